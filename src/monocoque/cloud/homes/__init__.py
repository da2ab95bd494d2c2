"""The cell's desk for homes: whose each is, what scenes ask of it, and what became of that."""
