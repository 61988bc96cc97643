"""Hears devices, loses nothing, tells controllers, and carries their commands back."""
