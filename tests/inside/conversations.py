"""Age conversations, and bring them into the state that a dead process leaves."""

from datetime import timedelta

from django.utils import timezone

from streamsite.chat.models import Conversation, Message


def age(key: str, days: int) -> None:
    """Move the last question of a conversation into the past."""
    past = timezone.now() - timedelta(days=days)
    Conversation.objects.filter(key=key).update(updated_at=past)


def unsettle(key: str) -> str:
    """Leave an answer in its stream, as a process does that dies. Return the stream's name."""
    answer = Message.objects.get(conversation__key=key, role=Message.Role.ASSISTANT)
    Message.objects.filter(pk=answer.pk).update(parts=None)
    assert answer.stream is not None
    return answer.stream.name
