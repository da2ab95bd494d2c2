"""From frames to signals and back, as pure functions of tables."""
