"""Speaks for the home to the cell: its devices, what was asked and what became of that."""
