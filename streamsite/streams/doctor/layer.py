"""The channel layer: does it connect processes, and does what is sent arrive?"""

import asyncio
import secrets
import time
from typing import Any

from ..log.bell import channel_layer
from .findings import Finding, ok, problem, readable, warning

CHECK = "channel layer"
# Seconds that a message may take.
PATIENCE = 5.0

IN_MEMORY, SLOWER = "InMemoryChannelLayer", "RedisChannelLayer"
USE_REDIS = (
    "Set CHANNEL_LAYERS to channels_redis.pubsub.RedisPubSubChannelLayer, or on this site set "
    "REDIS_URL."
)


async def check_layer() -> Finding:
    """Return whether the channel layer is the right one, and how long a message takes."""
    layer = channel_layer()
    kind = type(layer).__name__
    if kind == IN_MEMORY:
        return warning(
            CHECK,
            "The channel layer is the memory of one process. Viewers see the pieces that another "
            "process publishes, a command or a task too, at the heartbeat of 2 s.",
            USE_REDIS,
        )
    try:
        took = await _round_trip(layer)
    except Exception as error:  # noqa: BLE001 - a channel layer may raise anything
        return problem(
            CHECK,
            f"{kind} doesn't carry a message ({type(error).__name__}). Viewers on other processes "
            "than the producer's see pieces at the heartbeat of 2 s.",
            "Check that Redis runs at the address in CHANNEL_LAYERS.",
        )
    if kind == SLOWER:
        return warning(
            CHECK,
            f"{kind} carries a message in {readable(took)}.",
            "Use channels_redis.pubsub.RedisPubSubChannelLayer, which is 4 to 11 times faster.",
        )
    return ok(CHECK, f"{kind} carries a message in {readable(took)}.")


async def _round_trip(layer: Any) -> float:
    """Return the seconds that a message to a group takes. Raises what the layer raises."""
    return await asyncio.wait_for(_send_and_receive(layer), PATIENCE)


async def _send_and_receive(layer: Any) -> float:
    group = f"streams.doctor.{secrets.token_hex(8)}"
    channel = await layer.new_channel("doctor")
    await layer.group_add(group, channel)
    try:
        began = time.perf_counter()
        await layer.group_send(group, {"type": "streams.doctor"})
        await layer.receive(channel)
        return time.perf_counter() - began
    finally:
        await layer.group_discard(group, channel)
