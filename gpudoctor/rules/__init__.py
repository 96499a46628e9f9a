"""The causes: one folder per family, one file per cause.

A family's `__init__` may define `not_applicable(...)`: it takes facts as a rule does and returns the reason why
none of the family's causes can be there, or "". Such a family's files are then not even imported.
"""
