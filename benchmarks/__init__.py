"""Measurements: never part of the tests, always against a peer in the same run."""
