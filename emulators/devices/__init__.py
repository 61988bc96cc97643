"""One folder per device type. Devices know the kernel and the bindings, never one another."""
