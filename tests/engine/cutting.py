"""A TCP proxy that closes each connection after a number of bytes from the server."""

import asyncio
from collections.abc import Callable

from tests.ports import HOST


class CuttingProxy:
    """Forward connections to one address.

    `allowance` returns the number of bytes from the server after which a connection is cut.
    """

    def __init__(self, target: tuple[str, int], allowance: Callable[[], int]) -> None:
        self.target = target
        self.cuts = 0
        self._allowance = allowance
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "CuttingProxy":
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def address(self) -> tuple[str, int]:
        return self._server.sockets[0].getsockname()

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self.address)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        onward_reader, onward_writer = await asyncio.open_connection(*self.target)
        asking = asyncio.create_task(pass_on(reader, onward_writer))
        left = self._allowance()
        try:
            while data := await onward_reader.read(min(left, 65_536)):
                writer.write(data)
                await writer.drain()
                left -= len(data)
                if not left:
                    self.cuts += 1
                    break
        except ConnectionError:
            pass  # The client has left.
        except asyncio.CancelledError:
            pass  # The proxy ends. asyncio's server, which owns the task, would log an error.
        finally:
            asking.cancel()
            writer.close()
            onward_writer.close()


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
