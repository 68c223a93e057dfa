"""The page to ask a model on, in Chromium, with a source that does what a question says."""
