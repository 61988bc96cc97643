"""The search for an outage that a configuration does not survive: `ridethrough explore`."""
