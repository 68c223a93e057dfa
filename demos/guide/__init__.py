"""The guide to the engine: a Markdown file for each topic and language, and its rendering.

The files link to each other by their file names, such as `production.md#nginx`, so that the links
also work where the files are read without the site.
"""
