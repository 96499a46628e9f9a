"""One module per fact group: asks a port, returns the fields of that group."""
