"""Text formats, one module each: parsed here and nowhere else. Pure functions from text or bytes to values."""
