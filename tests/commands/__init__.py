"""The commands manage.py publish and manage.py follow, run as a shell runs them."""
