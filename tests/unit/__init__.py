"""Tests that need no server and no browser.

Run them alone with `pytest tests/unit`, in seconds.
"""
