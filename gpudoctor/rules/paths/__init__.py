"""PATH and LD_LIBRARY_PATH: entries that lead nowhere, mean something else than they seem to, or are stale."""
