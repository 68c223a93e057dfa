"""The order of the modules, read from their imports."""

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.site import ROOT

PACKAGES = ("streamsite", "demos")
ENGINE = "streamsite.streams"

# The wings of the engine, from the bottom up: a module imports from its own wing or from one below.
# What every wing builds on stands at the bottom, and what Django looks for at the top.
WINGS = (
    ("wire", "errors", "conf", "loops", "signals", "pieces", "models"),
    ("log",),
    ("reading",),
    ("writing",),
    ("http",),
    ("urls", "asgi", "admin", "checks", "apps", "templatetags", "management", "client"),
)
# The most lines of a module, and of the modules that may be longer.
MOST_LINES = 300
LONG_MODULES = {
    # One document, which nobody reads from top to bottom.
    "streamsite.streams.http.openapi": 360,
    # To be split.
    "streamsite.settings": 360,
    "streamsite.streams.http.publishing": 320,
    "streamsite.streams.writing.producers": 360,
}
# What the client may use of the engine: it runs on machines without a database.
CLIENT_USES = ("client", "wire", "pieces", "errors")


def modules() -> dict[str, Path]:
    """Return the project's modules by their dotted names. Migrations belong to Django."""
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
    return ast.parse(MODULES[module].read_text())


def imports(module: str) -> set[str]:
    """Return what a module imports, wherever it does, but for what only type checkers see."""
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
            # `from . import log` names a module, `from .log import find` something in one.
            found |= {
                name if (name := f"{origin}.{alias.name}") in MODULES else origin
                for alias in node.names
            }
        unseen += ast.iter_child_nodes(node)
    return found


def absolute(module: str, node: ast.ImportFrom) -> str:
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
    """Return the number of an engine module's wing; one that is in none stands above all."""
    return next((n for n, names in enumerate(WINGS) if part(module) in names), len(WINGS))


def engine_modules() -> list[str]:
    return [module for module in MODULES if module.startswith(f"{ENGINE}.")]


def users_of(*names: str) -> set[str]:
    """Return the modules that import one of these, or something in them."""
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
    """Tell whether a module's code speaks of a name."""
    return any(
        name
        in (getattr(node, "id", None), getattr(node, "attr", None), getattr(node, "name", None))
        for node in ast.walk(tree(module))
    )


@pytest.mark.parametrize("module", engine_modules())
def test_every_module_of_the_engine_stands_in_a_wing(module):
    assert wing(module) < len(WINGS), f"{module} stands in none of the wings"


@pytest.mark.parametrize("module", engine_modules())
def test_imports_point_down(module):
    below = {name for name in imports(module) if name.startswith(f"{ENGINE}.")}
    upward = {name for name in below if wing(name) > wing(module)}
    assert not upward, f"{module} imports {upward} of a wing above"


def test_the_client_needs_no_database():
    for module in engine_modules():
        if part(module) == "client":
            used = {part(name) for name in imports(module) if name.startswith(f"{ENGINE}.")}
            assert used <= set(CLIENT_USES), module


def test_no_two_files_of_the_engine_have_the_same_name():
    # Django says what a template library is called.
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
        assert free, f"a circle among {sorted(order)}"
        order = {module: needs for module, needs in order.items() if module not in free}


def test_the_engine_knows_neither_the_site_nor_the_demos():
    for module in engine_modules():
        outside = {
            name
            for name in imports(module)
            if name.split(".")[0] in PACKAGES and not name.startswith(ENGINE)
        }
        assert not outside, f"{module} imports {outside}"


def test_the_demos_use_the_engine_and_nothing_else_of_the_site():
    for module in MODULES:
        if module.startswith("demos"):
            other = {
                name
                for name in imports(module)
                if name.startswith("streamsite") and not name.startswith(ENGINE)
            }
            assert not other, f"{module} imports {other}"


def test_wire_formats_need_the_standard_library_alone():
    for module in engine_modules():
        if module.startswith(f"{ENGINE}.wire"):
            assert not {name.split(".")[0] for name in imports(module)} - {
                "collections",
                "dataclasses",
                "json",
                "re",
                "typing",
            }, module


def test_only_settings_reads_the_environment():
    readers = {
        module for module in MODULES if mentions(module, "environ") or mentions(module, "getenv")
    }
    # This one only says where the settings are, when nobody has.
    assert readers <= {"streamsite.settings", "streamsite.asgi"}
    assert "os.environ.setdefault" in MODULES["streamsite.asgi"].read_text()
    assert MODULES["streamsite.asgi"].read_text().count("environ") == 1


def test_only_notices_use_django_eventstream():
    assert users_of("django_eventstream") <= {"demos.notices"}


def test_only_the_hub_rings():
    assert users_of("channels.layers") == {"streamsite.streams.reading.hub", "streamsite.health"}


def test_only_the_log_touches_pieces_in_the_database():
    users = {module for module in MODULES if mentions(module, "Segment")}
    log = {module for module in MODULES if module.startswith("streamsite.streams.log.")}
    assert log & users
    assert users - log == {"streamsite.streams.models"}


@pytest.mark.parametrize("module", MODULES)
def test_names_say_what_is_inside(module):
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
    most = LONG_MODULES.get(module, MOST_LINES)
    assert lines <= most, f"{module} has {lines} lines, more than {most}: split the module"
