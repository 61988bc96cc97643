"""The lab interface: what only an emulated plant offers."""
