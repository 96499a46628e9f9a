"""gpudoctor: says what is wrong with a machine's GPU stack, names the cause, and proves it."""

__version__ = "0.1.0"
