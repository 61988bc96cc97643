"""Storage of records, events and positions."""
