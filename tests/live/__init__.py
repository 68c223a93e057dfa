"""The live pages: the list of streams, which updates itself, and the page of each stream."""
