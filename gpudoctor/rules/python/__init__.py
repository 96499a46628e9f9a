"""Which Python runs: environments, kernels, and what lies in front of the installed packages."""
