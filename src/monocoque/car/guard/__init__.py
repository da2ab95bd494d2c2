"""The last gate in front of the body."""
