"""Which cars exist, and which of them are there."""
