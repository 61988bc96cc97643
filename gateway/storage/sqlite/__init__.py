"""The database of one gateway."""
