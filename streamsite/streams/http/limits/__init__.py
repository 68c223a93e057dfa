"""How much a client, a publisher and all of them together may ask for.

- `rates`: how often something may happen, for each of many keys
- `viewers`: requests and WebSockets that are open at once
- `polls`: polls a second
- `publishers`: new streams and requests of a publisher, and wrong tokens

The counts are those of one process. Only the number of live streams is counted in the database, for
all processes: see `log.allowances`. A request beyond a limit raises `TooMany`: see `refusals`.
"""
