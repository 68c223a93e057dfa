"""The ASGI application of the project, as far as its source tells.

The system checks ask here. They must not import the application, because the import of an asgi.py
may start what belongs to a server, such as threads or a first preparation of the site.
"""

from importlib.util import find_spec
from typing import Any

from django.conf import settings


def serves_streams() -> bool | None:
    """Return whether the project's ASGI application is one of `streams_application`.

    Return None if the source does not tell: there is no source, or the source takes the application
    from another module.
    """
    source = _source(_module())
    if "streams_application" in source:
        return True
    return False if "get_asgi_application" in source else None


def _module() -> str:
    """Return the module of ASGI_APPLICATION or, without the setting, asgi.py beside the URLconf.

    `startproject` writes both files into one package.
    """
    if path := getattr(settings, "ASGI_APPLICATION", None):
        return str(path).rpartition(".")[0]
    package = str(getattr(settings, "ROOT_URLCONF", "")).rpartition(".")[0]
    return f"{package}.asgi" if package else "asgi"


def _source(module: str) -> str:
    """Return the source of a module, or "" if there is none. The module is not imported."""
    try:
        spec = find_spec(module)
        loader: Any = spec and spec.loader
        return (loader and loader.get_source(module)) or ""
    except (AttributeError, ImportError, ValueError):
        return ""
