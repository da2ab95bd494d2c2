"""Worlds: virtual time, seeded chance, faulty networks and power; production never imports it."""
