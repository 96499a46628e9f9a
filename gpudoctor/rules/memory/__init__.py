"""GPU memory that runs out."""
