"""Reading and writing of rig files."""
