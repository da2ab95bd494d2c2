"""Doors, locks, climate and charge of the car, and how it moves."""
