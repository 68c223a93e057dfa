"""The catalogs: every text of the interface has a Chinese translation, and no entry is stale."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.site import ROOT

pytestmark = pytest.mark.skipif(shutil.which("msgcmp") is None, reason="gettext is missing")

FOLDERS = ("demos", "templates", "streamsite")
CATALOGS = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("django.po"))]


def gettext(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def texts(folder: Path) -> Path:
    """Collect the texts that the interface marks for translation, and return their file."""
    # Other processes may write compiled modules at this moment.
    leave_out = shutil.ignore_patterns("locale", "__pycache__")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=leave_out)
    # The names of the languages are in Django's own catalog.
    (folder / "streamsite/settings.py").unlink()
    (folder / "locale").mkdir()
    command = [sys.executable, "-m", "django", "makemessages", "--locale", "zh_Hans"]
    # Without the settings of the site, which are not in the folder.
    environ = {"PATH": os.environ["PATH"], "PYTHONSAFEPATH": "1"}
    subprocess.run(command, cwd=folder, env=environ, capture_output=True, check=True)
    return folder / "locale/zh_Hans/LC_MESSAGES/django.po"


def test_every_text_has_a_translation_and_every_translation_a_text(tmp_path: Path):
    together = tmp_path / "together.po"
    assert CATALOGS
    assert gettext("msgcat", "--use-first", "-o", together, *CATALOGS).returncode == 0
    compared = gettext("msgcmp", together, texts(tmp_path))
    # A line names a text that has no translation, or that nothing uses.
    assert compared.stderr == ""


@pytest.mark.parametrize("catalog", CATALOGS, ids=lambda path: path.parents[3].name)
def test_a_compiled_catalog_is_that_of_its_source(catalog: Path, tmp_path: Path):
    compiled = tmp_path / "django.mo"
    assert gettext("msgfmt", "--check-format", "-o", compiled, catalog).stderr == ""
    committed = gettext("msgunfmt", catalog.with_suffix(".mo"))
    assert committed.stdout == gettext("msgunfmt", compiled).stdout
