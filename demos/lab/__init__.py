"""The lab: one live stream is read in four ways at once, and broken on purpose.

A visitor starts a run, which is one stream of the engine and one producer in a process of its own.
The visitor reads the stream on each transport from the engine, and beside it the plain way, as the
article's endpoints do: a loop in a view, without a log and without a cursor. The faults concern the
visitor's own run alone.

    texts.py      the pieces of a run
    producer.py   the process that writes the stream
    process.py    the server's side of this process: start, signals, its lines
    account.py    what the producer gave, what each connection was sent, and the faults
    runs.py       the runs of this server process, from the start to the removal
    broadcast.py  what happens now, told to the connections of the moment
    plain.py      the plain way, on that
    proxies.py    imitations of proxies
    sockets.py    the socket below a connection, which no ASGI server hands out
    panels.py     the ASGI application that all connections of a run pass through
    faults.py     the faults
    slow.py       a reader that stops reading
    parsing.py    what that reader makes of the bytes
    options.py    what a visitor asks for, and its bounds
    offers.py     what this site offers, and why not the rest
    visitors.py   whose run it is
    description.py a run as its page gets it
    views.py      the endpoints to start a run, look at it, break it and end it
"""
