"""The error of storage."""


class StoreError(OSError):
    """The database or JetStream cannot be opened, read or written. One line that says where and why."""
