"""What mends a cause, one module per fix.

A module says which causes it `mends` (ids) and has `plan(finding, machine, see) -> Plan`, a pure function but for the files
that it reads through `see`. It raises `Manual(reason)` where this finding can only be mended by a person: the rule's own
commands are then shown. A cause that more than one module could mend is a mistake, which a test finds.
"""
