"""Errors that several commands report in the same way."""

from django.core.management.base import CommandError
from django.db import DatabaseError


def database_failure(error: DatabaseError) -> CommandError:
    """Return the error with which a command ends after a database error."""
    return CommandError(f"Database error ({error}). If tables are missing, run manage.py migrate.")
