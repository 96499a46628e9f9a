"""What makes a container engine ready for GPUs, as pure functions: configuration text in, configuration text out.

Nothing here reads or writes a file. Every edit changes what it was asked to change and not a byte more; doing it twice equals
doing it once; and taking it back gives the text that was there before (see `edited` for the two exceptions).
"""
