"""A hash of passwords that takes as long as a test wants, however fast the machine is."""

import tempfile
import time
from pathlib import Path

from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher


def gate() -> Path:
    """Return the file for which the hashes wait."""
    return Path(settings.VAR_DIR) / "gate"


def open_gate() -> int:
    """Let the hashes go on. Return how many were waiting."""
    waiting = len(list(Path(settings.VAR_DIR).glob("hash-*")))
    gate().touch()
    return waiting


class Gated(PBKDF2PasswordHasher):
    """Django's default hash, behind the gate."""

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        with tempfile.NamedTemporaryFile(prefix="hash-", dir=settings.VAR_DIR):
            while not gate().exists():
                time.sleep(0.02)
        return super().encode(password, salt, iterations)
