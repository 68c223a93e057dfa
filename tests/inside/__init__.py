"""Functions that the tests call in another process: in a site's own Python, on a site's database.

`Site.call` starts a process for one call. `Publisher.call` uses the process of the sources. Both
pass the arguments and the result as JSON, so a tuple comes back as a list.
"""

from collections.abc import Callable
from typing import Any


def name_of(function: Callable[..., Any]) -> str:
    """Return the name by which `pkgutil.resolve_name` finds a function: "module:function"."""
    return f"{function.__module__}:{function.__qualname__}"
