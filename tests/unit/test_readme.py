"""The README's section "Stream from your own app"."""

import re

from tests.readme import SECTION


def test_the_section_has_less_than_forty_lines_of_code():
    code = re.findall(r"^```\w+\n((?:.*\n)+?)```$", SECTION, re.MULTILINE)
    assert 0 < sum(1 for block in code for line in block.splitlines() if line.strip()) < 40
