"""What goes wrong where records and events are kept."""


class StoreError(OSError):
    """The database or JetStream cannot be opened, read or written. One line that says where and why."""
