"""The engine's Django signals."""

from django.dispatch import Signal

# Sent with sender=Stream when a stream has ended, or when the viewers of a stream have changed. For
# streams that are created, edited or deleted, connect to post_save and post_delete of the model.
# The signal is sent after the commit, from any thread and from event loops, so a receiver must
# neither block nor use the database.
streams_changed = Signal()
