"""`python -m mailquery` is the command line."""

from mailquery.cli import main

main()
