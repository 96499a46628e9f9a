"""What is well: machines and environments as people have them, and nothing may be found on any pair that fits."""
