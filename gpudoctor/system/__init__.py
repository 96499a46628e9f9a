"""The two doors to the machine: `port` asks (live, or another root), the writer acts."""
