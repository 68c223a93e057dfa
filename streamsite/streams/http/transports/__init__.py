"""The four transports: polling, chunked transfer, Server-Sent Events and WebSocket.

Each transport parses a request, follows the stream from the cursor, and encodes the records.
"""
