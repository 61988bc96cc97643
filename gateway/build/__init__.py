"""From what a site file says to the objects that do it; nothing here runs by itself."""
