"""Reading: `follow` a live stream or `play` a finished one, from a cursor on.

hub, tail        the newest pieces of each stream that is followed in this event loop
tapes            finished streams in memory
backlog          older pieces of live streams, for readers that are behind
fanout           one loop that sends each batch to all viewers that are up to date
steps            the loop's calls of a server's `send`, without a task
following        the pieces as they come
playing, pace    the pieces of a finished stream at a pace, on shared ticks
paced_fanout     one loop that sends the next piece to all viewers for whom it is due
cursors          where a reader starts
finding          streams by name, looked up in groups
presence         the number of viewers
"""
