"""Tests of the lab: its server by raw sockets, and its page in Chromium."""
