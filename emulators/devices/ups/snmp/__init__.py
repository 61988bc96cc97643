"""The SNMP view of a UPS and its card."""
