"""Described machines for the tests: healthy ones, from which a test makes an ill one by changing what is ill.

All are composed, not recorded: the values are taken from the sources that each names.
"""
