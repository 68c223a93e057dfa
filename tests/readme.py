"""The README's section "Stream from your own app", and the blocks of code in it."""

import re

from .site import ROOT

SECTION = re.search(
    r"^## Stream from your own app\n(.+?)^## ",
    (ROOT / "README.md").read_text(),
    re.MULTILINE | re.DOTALL,
)[1]
BLOCKS = dict(
    re.findall(
        r"^```(?:python|html)\n(?:\{?# ?)([\w./]+).*\n((?:.*\n)+?)```$", SECTION, re.MULTILINE
    )
)
PUBLISHING = re.search(
    r"^```python\n(from streamsite\.streams import publish\n(?:.*\n)+?)```$", SECTION, re.MULTILINE
)[1]
