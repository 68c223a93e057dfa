"""What the engine tells whoever shows lists of streams."""

from django.dispatch import Signal

# A stream has ended, or has other viewers than before. That one was made, edited or deleted, the
# model's own signals tell. Sent after the commit, from any thread and from event loops, so a
# receiver must neither block nor use the database.
streams_changed = Signal()
