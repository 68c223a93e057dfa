"""HTTP and WebSocket: how browsers and other programs reach the streams.

handler       Django's ASGI handler without thread hops
endpoints     what all endpoints have in common
transports/   polling, chunked, events, websocket
publishing    adding pieces, and stopping, with a token
deliveries    the body of a request that publishes
openapi       the description of all endpoints
"""
