"""The public names of the engine: `from streamsite.streams import …`."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from streamsite import streams
from streamsite.streams import errors
from tests import guide, readme

# Modules that a project imports by their own names.
MODULES = ("asgi", "client", "testing")
# The public names of the chat. `agent` is a module of its own, because it needs Pydantic AI.
CHAT = {"streamsite.chat.Question", "streamsite.chat.agent.ask"}
# The health checks of the site, which serve a project of its own, too.
HEALTH = {"streamsite.health"}


def names_for_type_checkers() -> dict[str, str]:
    """Return the imports under `if TYPE_CHECKING:` in the package: each name, and its module."""
    tree = ast.parse(Path(streams.__file__).read_text())
    (block,) = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    found = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        for alias in node.names:
            assert alias.asname == alias.name, "`as` makes the name public for mypy"
            found[alias.name] = node.module or ""
    return found


def test_type_checkers_and_python_find_the_same_names():
    assert names_for_type_checkers() == streams._MODULES
    assert sorted(streams.__all__) == sorted(streams._MODULES)


@pytest.mark.parametrize("name", streams._MODULES)
def test_each_name_is_the_object_of_its_module(name):
    module = import_module(f"streamsite.streams.{streams._MODULES[name]}")
    assert getattr(streams, name) is getattr(module, name)


def test_an_unknown_name_raises_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        streams.nothing  # noqa: B018 - the access raises


def test_importing_the_package_does_not_import_django():
    # Django imports the package before its models can be imported.
    program = "import sys, streamsite.streams; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_dir_lists_the_public_names():
    assert set(dir(streams)) >= {"__name__", *streams._MODULES}


def test_every_error_is_public():
    classes = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.StreamError)
    }
    assert classes <= set(streams._MODULES)


README = [
    readme.PUBLISHING,
    *(code for file, code in readme.BLOCKS.items() if file.endswith(".py")),
]


def python(language: str) -> list[str]:
    """Return the blocks of Python in the guide."""
    return [block.code for block in guide.blocks(language) if block.language == "python"]


def imported(code: str) -> set[str]:
    """Return what a block imports from the engine and the chat: names, or modules and names."""
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    return {
        f"{node.module}.{alias.name}".removeprefix("streamsite.streams.")
        for node in ast.walk(compile(code, "block", "exec", flags))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("streamsite")
        for alias in node.names
    }


@pytest.mark.parametrize(
    "blocks", [README, python("en"), python("zh_hans")], ids=["README", "en", "zh_hans"]
)
def test_the_readme_and_the_guide_import_public_names_alone(blocks):
    names = set().union(*map(imported, blocks))
    assert {"publish", "start"} <= names
    deeper = names - set(streams._MODULES) - CHAT - HEALTH
    assert not {name for name in deeper if name.split(".")[0] not in MODULES}
