"""KUKSA's words for our values."""
