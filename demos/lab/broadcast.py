"""What happens now, told to the connections of this moment by a Channels group.

This is how many sites stream without a log. A channel holds 100 messages by default, and drops what
does not fit without a word. Whoever is away at this moment misses it.
"""

from collections.abc import AsyncGenerator, Callable

from channels.layers import get_channel_layer


def group(run_id: str) -> str:
    """Return the name of the group that a run's plain connections are in."""
    return f"lab-{run_id}"


async def say(run_id: str, text: str) -> None:
    """Send a piece to the connections of this moment. No text is the end."""
    await get_channel_layer().group_send(group(run_id), {"type": "piece", "text": text})


async def hear(run_id: str, begun: Callable[[], None]) -> AsyncGenerator[str, None]:
    """Yield the pieces from now on, up to the end. `begun` is called once no piece is missed."""
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(group(run_id), channel)
    try:
        begun()
        while text := (await layer.receive(channel))["text"]:
            yield text
    finally:
        await layer.group_discard(group(run_id), channel)
