"""Hand-overs, as the cell sees them, and who owns which car."""
