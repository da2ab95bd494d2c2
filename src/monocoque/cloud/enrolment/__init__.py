"""How the cell gives a car its place on the bus."""
