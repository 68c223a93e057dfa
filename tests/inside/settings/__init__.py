"""Settings of sites that differ from the defaults, for `DJANGO_SETTINGS_MODULE`."""
