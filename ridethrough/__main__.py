"""`python -m ridethrough`."""

from ridethrough.rigs.cli.main import main

main()
