"""What is true of a machine: frozen types, no behaviour, no questions."""
