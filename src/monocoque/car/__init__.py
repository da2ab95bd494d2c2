"""The car: everything that runs in it."""
