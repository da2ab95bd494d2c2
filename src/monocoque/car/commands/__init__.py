"""Carries out what an owner's key asks, once, and signs what became of it."""
