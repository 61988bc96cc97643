"""From an arrival to an event."""
