"""HTTP and WebSocket: how browsers and other programs reach the streams.

application   the ASGI application of a site with the engine
entrypoint    whether the project's asgi.py uses that application, for the system checks
routing       the endpoint at an address, found in the URLconf
handler       an ASGI handler for the endpoints, without thread switches
endpoints     the decorator of all endpoints
requests      the parameters of a request that reads a stream
responses     the response that streams the records of a stream
outlets       the connections of viewers: how data goes out, and when the client has left
bodies        how much of a request's body is read, and when
sessions      requests without middleware, with their session and user
access        what a request may do
policy        the rules of the project: who watches, stops and publishes
admissions    asks again whether viewers who are connected may watch
links         signed links for viewers without a session
middleware    the project's middleware, which does not run
pages         a middleware for the project's pages, which answers the engine's errors
clients       the address of a client, also behind a proxy
limits/       how much clients and publishers may ask for
origins       the origins whose pages may read the streams
transports/   polling, chunked, events, websocket
consumers     the WebSocket consumer under the transport and under a site's own consumers
draining      what a process still does when it is told to end
granian       how granian sends, and closing a WebSocket there
uvicorn       what uvicorn does not do: it waits for ever for a client that reads nothing
publishing    adding pieces, and stopping, with a token
limited_bodies  the bodies of requests to the project's own pages
deliveries    the body of a request that publishes
exposition    the page of the metrics
openapi       the OpenAPI document of all endpoints, with `openapi_components`
"""
