"""A small disk, which a test fills."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

SIZE = 12 * 1024 * 1024


class SmallDisk:
    """A file system of SIZE bytes in a folder. Skip the test for users who may not mount one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"
        command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)]
        if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("Only root can mount a small disk.")

    def fill(self) -> None:
        """Write a file until the disk is full."""
        with self._filler.open("wb", buffering=0) as filler, suppress(OSError):
            while filler.write(bytes(4096)):
                pass

    def free(self) -> None:
        """Remove what `fill` has written."""
        self._filler.unlink()

    def unmount(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)
