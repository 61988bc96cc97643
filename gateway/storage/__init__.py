"""What keeps records, events and positions."""
