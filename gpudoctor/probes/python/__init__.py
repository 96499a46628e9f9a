"""How Python installations are read without running them: which ones, their folders, packages and builds."""
