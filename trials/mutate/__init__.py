"""Takes protections out one by one and shows that a test misses each of them: `python -m trials.mutate`."""
