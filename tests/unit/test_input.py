"""The input of `manage.py publish`."""

import os
import threading

from streamsite.streams.management import process


async def test_a_command_that_is_over_loses_no_output_to_a_slow_reader_of_the_copy(monkeypatch):
    read_on = threading.Event()
    monkeypatch.setattr(process, "PAUSE", 0.01)
    monkeypatch.setattr(process, "write_to_stdout", lambda data: read_on.wait())
    descriptor, end = os.pipe()
    try:
        os.write(end, b"last words")
        given = process.Input(descriptor, tee=True, on_write_error=print, over=lambda: True)
        arrived = b""
        async for data in given:
            arrived += data
            read_on.set()  # In the first pause.
        assert arrived == b"last words"
    finally:
        read_on.set()
        os.close(end)
        os.close(descriptor)
