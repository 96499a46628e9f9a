"""What every test's process starts with."""

from __future__ import annotations

import signal
import threading

# A shell's background job ignores Ctrl-C, and so would every program that the tests start and interrupt.
if (
    threading.current_thread() is threading.main_thread()
    and signal.getsignal(signal.SIGINT) is signal.SIG_IGN
):
    signal.signal(signal.SIGINT, signal.default_int_handler)
