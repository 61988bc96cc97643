"""Row types with which a device describes its faces: inputs, SNMP objects, traps, IPMI commands."""
