"""People, their sessions and their settings."""
