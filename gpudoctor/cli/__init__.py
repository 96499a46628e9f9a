"""The command line: parses and prints, composes nothing. One module per command."""
