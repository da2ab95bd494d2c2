"""Whose commands the car takes, and which of them it has seen."""
