"""`python -m rigs.cli`."""

from rigs.cli.main import main

main()
