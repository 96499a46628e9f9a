"""Advice on what is not there yet: what-ifs, judged by the same rules as a machine that is."""
