"""The driver: not there, not loaded, not fitting its other half, or not fitting the GPU."""
