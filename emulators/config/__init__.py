"""What a rig file says of the plant."""
