"""Which car gets which release when, and what became of it."""
