"""Sans-IO codecs, both roles of each protocol. Bytes and values in, values and bytes out: no socket, no clock."""

if __name__ != "ridethrough.wire":  # twice the same module under two names would be two different classes
    raise ImportError("this folder is the package ridethrough.wire", name=__name__)
