"""Generic protocol engines that show a device to the network."""
