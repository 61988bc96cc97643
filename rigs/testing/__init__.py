"""Running rigs inside tests."""
