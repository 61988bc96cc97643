"""Pollers of devices, on `wire`, and their commanders, through pysnmp and pyghmi."""
