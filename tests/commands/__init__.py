"""The commands manage.py publish, follow and stop, run as a shell runs them."""
