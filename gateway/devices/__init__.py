"""Links to devices: those that ask, on `wire`, and those that command, through pysnmp and pyghmi."""
