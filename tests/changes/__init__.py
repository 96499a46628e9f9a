"""Changing a machine and taking it back."""
