"""Wire formats: pure encoders and decoders, without I/O, on the standard library alone."""
