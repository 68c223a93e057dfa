"""What the lab offers on this site, and why not the rest."""

from typing import Any

from django.conf import settings

from streamsite.chat.conf import source_problem

from .options import MOST_CHARACTERS, RATES, SECONDS, SIZES
from .proxies import PATHS

NO_RESTART = (
    "Nothing on this site restarts a server process, or no other process serves meanwhile. An "
    "operator who runs two processes under a supervisor sets LAB_RESTART=on."
)


def offers() -> dict[str, Any]:
    """Return the bounds of a run, and the texts and faults, each with the reason why not, or ""."""
    faults = dict.fromkeys(("cut", "cut-all", "kill", "hang", "stop", "slow", "restart"), "")
    return {
        "rate": RATES,
        "size": SIZES,
        "seconds": SECONDS,
        "characters": MOST_CHARACTERS,
        "texts": {"numbers": "", "article": "", "model": source_problem()},
        "faults": {**faults, "restart": "" if settings.LAB_RESTART else NO_RESTART},
        "paths": PATHS,
    }
