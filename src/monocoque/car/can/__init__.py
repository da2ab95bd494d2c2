"""The bus of the vehicle as signals: what is heard on it, and what is asked of it."""
