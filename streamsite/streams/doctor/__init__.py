"""Examine a deployment, from inside and as a client would from outside: `manage.py doctor`.

- `findings`: what a check found, and what to change
- `inside`: the settings, the migrations, the clocks and the speed of the database
- `layer`: the channel layer
- `probe`: a short stream of the doctor's own
- `entrance`: the connection to the site: TLS, HTTP/2, and whether this is the right site
- `script`: the script of the elements
- `watching`: the four transports, read at the same time
- `idling`: connections on which nothing comes
- `headers`: what a proxy must neither add nor drop
- `examination`: all checks, in their order
"""
