"""The four transports: polling, chunked transfer, Server-Sent Events and WebSocket.

polling, chunked, events, websocket   one transport each
encoding                              records as JSON objects, and as parts of a body
answers                               answers to polls that many clients ask for

Each transport parses a request, follows the stream from the cursor, and encodes the records.
"""
