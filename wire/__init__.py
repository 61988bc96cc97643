"""Sans-IO codecs, both roles of each protocol. Bytes and values in, values and bytes out: no socket, no clock."""
