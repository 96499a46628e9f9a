"""Changing a machine: what is to change (`plan`), doing it so that it can be undone (`transaction`, `journal`)."""
