"""A project that serves the streams by `streams_application`."""
