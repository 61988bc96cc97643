"""The network card's own state."""
