"""The README: its length, its links and its example. The tree of the modules in the guide."""

import re

from tests.guide import FOLDER
from tests.readme import SECTION
from tests.site import ROOT

README = (ROOT / "README.md").read_text()
HOW_IT_WORKS = (FOLDER / "en" / "how-it-works.md").read_text()


def test_the_section_has_less_than_forty_lines_of_code():
    code = re.findall(r"^```\w+\n((?:.*\n)+?)```$", SECTION, re.MULTILINE)
    assert 0 < sum(1 for block in code for line in block.splitlines() if line.strip()) < 40


def test_the_readme_has_at_most_a_hundred_and_sixty_lines():
    assert len(README.splitlines()) <= 160


def test_the_links_of_the_readme_lead_to_files():
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link.partition("#")[0]).exists()] == []


def test_the_tree_of_the_modules_shows_what_is_there():
    tree = re.search(r"^streamsite/\n(.+?)^```$", HOW_IT_WORKS, re.MULTILINE | re.DOTALL)[0]
    folders = [ROOT]
    for line in tree.removesuffix("```").splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        names = re.split(r"\s{2,}", line.strip())
        paths = [folders[depth] / name for name in names if re.fullmatch(r"[\w.]+/?", name)]
        assert paths, line
        assert [path for path in paths if not path.exists()] == []
        folders[depth + 1 :] = [paths[0]]
    wings = ROOT / "streamsite" / "streams"
    assert {f"{path.name}/" for path in wings.iterdir() if (path / "__init__.py").exists()} - {
        "migrations/"
    } <= set(re.findall(r"\w+/", tree))
