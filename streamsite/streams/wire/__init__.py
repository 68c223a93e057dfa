"""Wire formats: pure encoders and decoders, without I/O.

The modules import only the standard library. A test checks the imports.
"""
