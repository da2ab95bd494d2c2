"""How a car gets its place on the bus, with a key that never leaves it."""
