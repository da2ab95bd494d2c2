"""Speaks for the home to the cell: it is there, its devices, what was asked and what became of it."""
