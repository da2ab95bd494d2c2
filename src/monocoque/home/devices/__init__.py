"""The devices of a home, and how they are."""
