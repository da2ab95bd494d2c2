"""The catalogue and its engine: pure decisions about choices."""
