"""Stand-ins for devices and the plant around them."""
