"""Images as file systems: archives of layers are indexed and merged, and only what a probe asks for is read."""
