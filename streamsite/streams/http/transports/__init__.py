"""Four ways to read one stream. Each parses a request, follows the stream, encodes."""
