"""The code that the article shows."""

import inspect

import pytest

from .raw import http
from .shown import SHOWN, code_in
from .site import Site


@pytest.mark.parametrize("page", ["/", "/en/"])
def test_the_article_shows_the_code_of_all_four_methods_in_order(site: Site, page):
    shown = code_in(http.get(site.address, page).text)
    where = [
        next(
            number
            for number, box in enumerate(shown)
            if inspect.getsource(inspect.unwrap(code)).strip() in box
        )
        for code in SHOWN.values()
    ]
    assert where == sorted(set(where))
