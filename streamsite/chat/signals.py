"""A message that is deleted takes the stream of its answer along."""

from typing import Any

from django.db.models.signals import post_delete
from django.dispatch import receiver

from streamsite.streams import Stream

from .models import Message


@receiver(post_delete, sender=Message)
def delete_stream(instance: Message, using: str, **_: Any) -> None:
    if instance.stream_id is not None:
        Stream.objects.using(using).filter(pk=instance.stream_id).delete()
