"""Producers that write a piece, wait for a word on standard input, and write another one."""

import asyncio
import sys

import django


async def produce(name: str, written: asyncio.Event, go_on: asyncio.Event) -> None:
    from streamsite.streams import publish

    async with publish(name) as producer:
        await producer.write("before ")
        await producer.flush()
        written.set()
        await go_on.wait()
        await producer.write("during ")


async def main(names: list[str]) -> None:
    go_on = asyncio.Event()
    opened = [asyncio.Event() for _ in names]
    producing = [
        asyncio.create_task(produce(name, written, go_on))
        for name, written in zip(names, opened, strict=True)
    ]
    for each in opened:
        await each.wait()
    print("opened", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    go_on.set()
    print("written", flush=True)
    await asyncio.gather(*producing)


if __name__ == "__main__":
    django.setup()
    asyncio.run(main(sys.argv[1:]))
