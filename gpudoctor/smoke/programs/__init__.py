"""Programs that run in the interpreter under test: Python 3.7 syntax, the standard library and one framework.

They are written into a folder of their own and import one another there (`smoke_child`), never us.
"""
