"""The files of a small project whose own tests test its streams. See test_testing.py."""
