"""What the outside sees: the handler, the endpoints, the transports."""
