"""What is deleted together, and what is saved before a stream is deleted."""

import json
from typing import Any

from django.db.models.signals import post_delete, pre_delete
from django.dispatch import receiver

from streamsite.streams import Stream

from . import parts
from .models import Message


@receiver(post_delete, sender=Message)
def delete_stream(instance: Message, using: str, **_: Any) -> None:
    """Delete the stream of a message that is deleted."""
    if instance.stream_id is not None:
        Stream.objects.using(using).filter(pk=instance.stream_id).delete()


@receiver(pre_delete, sender=Stream)
def settle_answer(instance: Stream, using: str, **_: Any) -> None:
    """Copy an answer from the stream that is deleted into its message.

    An answer is still in its stream when the process that wrote the answer has died, and nobody
    has looked at the conversation since.
    """
    unsettled = Message.objects.using(using).filter(stream=instance, parts__isnull=True)
    if unsettled.exists():
        lines = instance.text.split("\n")
        folded = parts.Message(json.loads(line) for line in lines if line)
        folded.settle()
        unsettled.update(
            parts=parts.without_nul(folded.parts), metadata=parts.without_nul(folded.metadata)
        )
