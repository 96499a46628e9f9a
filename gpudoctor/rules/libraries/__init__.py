"""CUDA's user libraries: missing, of the wrong version, shadowed by another copy, or mixed."""
