"""The reports of `image`."""
