"""`smoke`: its parts, and whole runs on real frameworks."""
