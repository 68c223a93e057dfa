"""Names of streams: which are valid, a new one that nobody can guess, and the address of a name."""

import secrets

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _

NAME_PATTERN = "[A-Za-z0-9][A-Za-z0-9_-]{0,99}"

validate_name = RegexValidator(
    rf"^{NAME_PATTERN}\Z",
    _(
        "The name of a stream has 1 to 100 of the characters A-Z, a-z, 0-9, - and _. "
        "The first character is a letter or a digit."
    ),
)


def new_private_name() -> str:
    """Return a name that nobody can guess (128 random bits)."""
    return secrets.token_hex(16)


def name_problem(name: str) -> str:
    """Return a sentence that describes the error of a name, or "" if the name is valid."""
    try:
        validate_name(name)
    except ValidationError as error:
        # In English, like all error messages of the engine, whatever the language of the page.
        with translation.override(None):
            return str(error.messages[0])
    return ""


def address(name: str) -> str:
    """Return the address of a stream, below which its endpoints are: "/stream/build".

    Raises NoReverseMatch when the URLconf does not include the engine's URLs.
    """
    return reverse("streams:polling", kwargs={"name": name}).removesuffix("/polling")
