"""Instants, deadlines, quantities and wires. Knows no device, no socket and no clock."""
