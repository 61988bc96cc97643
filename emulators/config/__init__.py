"""The plant in a rig file: a section for each type of device, and ports."""
