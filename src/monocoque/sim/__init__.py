"""Worlds: virtual time, seeded chance, faulty networks and power. Production code cannot import it."""
