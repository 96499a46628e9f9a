"""`image`: its subcommands, one module each."""
