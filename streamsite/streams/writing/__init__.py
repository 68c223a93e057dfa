"""Writing: a source of text becomes a stream in the log.

blocks        `publish`: the block in which a producer writes a stream
options       the options of `publish`, `start` and `reserve`
producers     the one writer of a live stream, to its end
sources       `start`: an asynchronous generator, run in the server
wsgi          requests whose event loop ends with the view
outbox        the pieces of a producer that are not committed yet
writer        commits in groups
moments       when the pieces came, by a clock that does not jump
leases        signs of life, and streams that nobody watches
stopping      ends a stream from outside
outcomes      how a stream ends after the block of its producer
reservations  streams that exist before their producer
background    an event loop, and the producer, for code without `async`
"""
