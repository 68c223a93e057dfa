"""What a visitor asks for when a run starts, and the bounds of a run."""

from dataclasses import dataclass
from typing import Any

from streamsite.streams import BadRequest, TooLarge

RATES = (1, 200)  # pieces a second
SIZES = (1, 200)  # characters a piece
SECONDS = (1, 60)
LISTENERS = (0, 8)
# The most characters of a run. The server keeps all of them in memory.
MOST_CHARACTERS = 400_000
TEXTS = ("numbers", "article", "model")
LANGUAGES = ("en", "zh-hans")


@dataclass(frozen=True, slots=True)
class Options:
    """How a run's producer writes: `rate` pieces of `size` characters a second, of a `text`.

    The first piece waits until the run has so many plain `listeners`. A later one would miss it.
    """

    rate: int = 20
    size: int = 8
    text: str = "numbers"
    seconds: int = 30
    language: str = "en"
    listeners: int = 0

    @property
    def pieces(self) -> int:
        """The number of pieces of a run that nobody breaks. A model decides about its own."""
        return self.rate * self.seconds


USUAL = Options()


def read_options(body: dict[str, Any]) -> Options:
    """Return the options in the body of a request. Raises BadRequest and TooLarge.

    read_options({"rate": 50})  # 50 pieces a second, and the defaults for the rest
    """
    known = Options.__dataclass_fields__
    if unknown := sorted(set(body) - set(known)):
        raise BadRequest(
            f"The body has the unknown key {unknown[0][:80]!r}. The keys are {', '.join(known)}."
        )
    options = Options(
        rate=number(body, "rate", RATES, USUAL.rate),
        size=number(body, "size", SIZES, USUAL.size),
        text=choice(body, "text", TEXTS),
        seconds=number(body, "seconds", SECONDS, USUAL.seconds),
        language=choice(body, "language", LANGUAGES),
        listeners=number(body, "listeners", LISTENERS, USUAL.listeners),
    )
    if options.pieces * options.size > MOST_CHARACTERS:
        raise TooLarge(
            f"The run would have {options.pieces * options.size} characters, and may have "
            f"{MOST_CHARACTERS}. Ask for a lower rate, smaller pieces or fewer seconds."
        )
    return options


def number(body: dict[str, Any], name: str, bounds: tuple[int, int], default: int) -> int:
    """Return a whole number between two bounds. Raises BadRequest."""
    value = body.get(name, default)
    least, most = bounds
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON does not tell 20.0 from 20.
    if type(value) is not int or not least <= value <= most:
        raise BadRequest(
            f'"{name}" must be a whole number from {least} to {most}, not {str(value)[:40]!r}.'
        )
    return value


def choice(body: dict[str, Any], name: str, choices: tuple[str, ...]) -> str:
    """Return one of the choices, by default the first one. Raises BadRequest."""
    value = body.get(name, choices[0])
    if value not in choices:
        raise BadRequest(f'"{name}" must be one of {", ".join(choices)}, not {str(value)[:40]!r}.')
    return str(value)
