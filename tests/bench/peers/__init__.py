"""What this site is measured against, each written the way its own documentation does."""
