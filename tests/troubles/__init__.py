"""Troubles as their owners tell of them, put together as machines, with the answer that ends each."""
