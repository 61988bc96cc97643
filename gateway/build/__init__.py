"""Builds the objects of a gateway from a site file; nothing here runs by itself."""
