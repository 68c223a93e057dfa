"""URLconfs of sites that include the engine in different places."""
