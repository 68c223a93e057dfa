"""A TCP load balancer: each new connection goes to the next server that says it is ready."""

import asyncio
from contextlib import suppress

from tests.ports import HOST
from tests.raw import http
from tests.site import Server

# Seconds between two health checks of a server.
INTERVAL = 0.1


class Balancer:
    """Listen on a port of its own, and forward connections to the servers that are ready."""

    def __init__(self, servers: list[Server]) -> None:
        self._servers = servers
        self._ready: list[Server] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Balancer":
        self._listener = await asyncio.start_server(self._accept, HOST, 0, backlog=1024)
        self._checking = asyncio.create_task(self._check())
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._listener.close()
        for task in [self._checking, *self._tasks]:
            task.cancel()
        await asyncio.gather(self._checking, *self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self._listener.sockets[0].getsockname())

    async def _check(self) -> None:
        while True:
            answers = await asyncio.gather(
                *(asyncio.to_thread(is_ready, server) for server in self._servers)
            )
            self._ready = [
                server for server, ready in zip(self._servers, answers, strict=True) if ready
            ]
            await asyncio.sleep(INTERVAL)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            # The next connection begins with another server.
            self._ready[:] = self._ready[1:] + self._ready[:1]
            for server in list(self._ready):
                with suppress(OSError):
                    onward_reader, onward_writer = await asyncio.open_connection(*server.address)
                    break
            else:
                return
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(forward(reader, onward_writer))
                    both.create_task(forward(onward_reader, writer))
            finally:
                onward_writer.close()
        except asyncio.CancelledError:
            pass  # The balancer ends. asyncio's server, which owns the task, would log an error.
        finally:
            writer.close()


def is_ready(server: Server) -> bool:
    """Return whether the server's health check answers 200."""
    try:
        return http.get(server.address, "/readyz").status == 200
    except (OSError, http.Malformed):
        return False


async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Forward bytes until the sender closes or the receiver has left."""
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()
