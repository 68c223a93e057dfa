"""The architecture of the project, checked on the imports and the names in the source."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.site import ROOT

PACKAGES = ("streamsite", "demos")
ENGINE = "streamsite.streams"
DAPHNE = "streamsite.daphne"

# The wings of the engine, from the bottom up. A module imports from its own wing or a lower one.
# The lowest wing holds what all others build on, and the highest holds what Django looks for.
WINGS = (
    (
        "wire",
        "errors",
        "refusals",
        "conf",
        "instruments",
        "request_id",
        "loops",
        "signals",
        "values",
        "pieces",
        "names",
        "querysets",
        "tokens",
        "bookkeeping",
        "models",
        "workers",
    ),
    ("log",),
    ("reading",),
    ("writing",),
    ("http",),
    (
        "urls",
        "asgi",
        "admin",
        "deletions",
        "filters",
        "forms",
        "checks",
        "mounts",
        "setting_checks",
        "apps",
        "templatetags",
        "management",
        "doctor",
        "client",
        "testing",
        "desks",
        "isolation",
        "testing_plugin",
    ),
)
# The most lines of a module.
MOST_LINES = 300
# The parts of the engine that the client may import, because it runs without a database.
CLIENT_USES = ("client", "wire", "pieces", "values", "errors")


def modules() -> dict[str, Path]:
    """Return the paths of the project's modules by dotted name, without Django's migrations."""
    found = {}
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            if "migrations" not in path.parts:
                parts = path.relative_to(ROOT).with_suffix("").parts
                found[".".join(parts).removesuffix(".__init__")] = path
    return found


MODULES = modules()


@cache
def tree(module: str) -> ast.Module:
    """Return the syntax tree of a module."""
    return ast.parse(MODULES[module].read_text())


def imports(module: str) -> set[str]:
    """Return the dotted names that a module imports, at its top or inside a function.

    Imports under `if TYPE_CHECKING` don't count.
    """
    found = set()
    unseen = [tree(module)]
    while unseen:
        node = unseen.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            unseen += node.orelse
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            origin = absolute(module, node)
            # `from . import log` names a module, and `from .log import find` a name in a module.
            found |= {
                name if (name := f"{origin}.{alias.name}") in MODULES else origin
                for alias in node.names
            }
        unseen += ast.iter_child_nodes(node)
    return found


def absolute(module: str, node: ast.ImportFrom) -> str:
    """Return the absolute name of the module that `from … import` names in `module`."""
    if not node.level:
        return node.module or ""
    base = module.split(".")
    if MODULES[module].name == "__init__.py":
        base = [*base, ""]
    return ".".join([*base[: -node.level], *([node.module] if node.module else [])])


def part(module: str) -> str:
    """Return the first name below the engine: "log" of streamsite.streams.log.database."""
    return module.removeprefix(f"{ENGINE}.").partition(".")[0]


def wing(module: str) -> int:
    """Return the number of a module's wing, or a higher number for a module in no wing."""
    return next((n for n, names in enumerate(WINGS) if part(module) in names), len(WINGS))


def engine_modules() -> list[str]:
    return [module for module in MODULES if module.startswith(f"{ENGINE}.")]


def users_of(*names: str) -> set[str]:
    """Return the modules that import one of these modules, or a name in one of them."""
    return {
        module
        for module in MODULES
        if any(
            found == name or found.startswith(f"{name}.")
            for found in imports(module)
            for name in names
        )
    }


def mentions(module: str, name: str) -> bool:
    """Return whether a module's code uses or defines a name."""
    return any(
        name
        in (getattr(node, "id", None), getattr(node, "attr", None), getattr(node, "name", None))
        for node in ast.walk(tree(module))
    )


@pytest.mark.parametrize("module", engine_modules())
def test_every_module_of_the_engine_belongs_to_a_wing(module):
    assert wing(module) < len(WINGS), f"{module} is in no wing: add {part(module)!r} to WINGS"


@pytest.mark.parametrize("module", engine_modules())
def test_a_module_of_the_engine_imports_no_wing_above_its_own(module):
    below = {name for name in imports(module) if name.startswith(f"{ENGINE}.")}
    upward = {name for name in below if wing(name) > wing(module)}
    assert not upward, f"{module} imports {upward} from a wing above its own"


def test_the_client_imports_nothing_that_needs_a_database():
    for module in engine_modules():
        if part(module) == "client":
            used = {part(name) for name in imports(module) if name.startswith(f"{ENGINE}.")}
            assert used <= set(CLIENT_USES), module


def test_no_two_files_of_the_engine_have_the_same_name():
    # A template library has the name of its app by custom.
    named = [
        module.rpartition(".")[2]
        for module in engine_modules()
        if MODULES[module].name != "__init__.py" and part(module) != "templatetags"
    ]
    assert sorted(named) == sorted(set(named))


def test_no_two_modules_import_each_other():
    order = {module: imports(module) & set(MODULES) - {module} for module in MODULES}
    while order:
        free = {module for module, needs in order.items() if not needs & set(order)}
        assert free, f"some of these modules import each other in a circle: {sorted(order)}"
        order = {module: needs for module, needs in order.items() if module not in free}


def test_the_engine_imports_neither_the_site_nor_the_demos():
    # streamsite.daphne belongs to no site: it is for every site that Daphne runs.
    for module in engine_modules():
        outside = {
            name
            for name in imports(module)
            if name.split(".")[0] in PACKAGES and not name.startswith((ENGINE, DAPHNE))
        }
        assert not outside, f"{module} imports {outside}"


def test_the_package_for_daphne_imports_only_itself():
    for module in MODULES:
        if module.startswith(DAPHNE):
            own = {name for name in imports(module) if name.split(".")[0] in PACKAGES}
            assert all(name.startswith(DAPHNE) for name in own), f"{module} imports {own}"


def test_the_demos_import_only_the_engine_and_the_chat():
    for module in MODULES:
        if module.startswith("demos"):
            other = {
                name
                for name in imports(module)
                if name.startswith("streamsite")
                and not name.startswith((ENGINE, "streamsite.chat"))
            }
            assert not other, f"{module} imports {other}"


def test_the_chat_is_built_on_the_engine_s_public_names():
    for module in MODULES:
        if module.startswith("streamsite.chat"):
            own = {name for name in imports(module) if name.split(".")[0] in PACKAGES}
            assert all(name == ENGINE or name.startswith("streamsite.chat") for name in own), (
                f"{module} imports {own}"
            )


def test_the_wire_formats_import_only_the_standard_library():
    for module in engine_modules():
        if module.startswith(f"{ENGINE}.wire"):
            assert not {name.split(".")[0] for name in imports(module)} - {
                "collections",
                "dataclasses",
                "datetime",
                "json",
                "re",
                "typing",
            }, module


def test_only_the_environment_module_reads_the_environment():
    readers = {
        module for module in MODULES if mentions(module, "environ") or mentions(module, "getenv")
    }
    # asgi only names the settings module, if the environment does not. workers reads a variable of
    # the servers.
    assert readers <= {"streamsite.environment", "streamsite.asgi", "streamsite.streams.workers"}
    assert "os.environ.setdefault" in MODULES["streamsite.asgi"].read_text()
    assert MODULES["streamsite.asgi"].read_text().count("environ") == 1


def test_only_the_notices_import_django_eventstream():
    assert users_of("django_eventstream") <= {"demos.notices"}


def test_only_the_bell_rings():
    # The lab's plain way passes the pieces themselves through the layer, as sites without a log do.
    assert users_of("channels.layers") == {
        "streamsite.streams.log.bell",
        "streamsite.health",
        "demos.lab.broadcast",
    }


def test_only_the_log_reads_and_writes_segments():
    users = {module for module in MODULES if mentions(module, "Segment")}
    log = {module for module in MODULES if module.startswith("streamsite.streams.log.")}
    assert log & users
    assert users - log == {"streamsite.streams.models"}


@pytest.mark.parametrize("module", MODULES)
def test_no_module_has_a_name_that_says_nothing(module):
    assert module.split(".")[-1] not in {
        "utils",
        "util",
        "helpers",
        "helper",
        "common",
        "misc",
        "managers",
    }


@pytest.mark.parametrize("module", MODULES)
def test_every_module_is_short_enough_to_read_in_one_sitting(module):
    lines = len(MODULES[module].read_text().splitlines())
    assert lines <= MOST_LINES, f"{module} has {lines} lines, more than {MOST_LINES}: split it"


# The packages whose docstring says what each of their modules does.
DESCRIBED = (
    "streamsite.daphne",
    *(f"{ENGINE}.{name}" for name in ("log", "reading", "writing", "doctor")),
    *(f"{ENGINE}.{name}" for name in ("http", "http.limits", "http.transports")),
)


@pytest.mark.parametrize("package", DESCRIBED)
def test_the_docstring_of_a_package_names_each_module(package: str):
    said = ast.get_docstring(tree(package)) or ""
    inside = {
        name.removeprefix(f"{package}.") for name in MODULES if name.startswith(f"{package}.")
    }
    missing = [name for name in inside if "." not in name and not re.search(rf"\b{name}\b", said)]
    assert not missing
