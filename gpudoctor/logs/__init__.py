"""Pasted text: reading it, finding signatures and facts in it, ranking what they say. Knows no rule: it is told."""
