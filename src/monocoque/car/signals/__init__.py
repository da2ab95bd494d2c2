"""The car's body as values of signals."""
