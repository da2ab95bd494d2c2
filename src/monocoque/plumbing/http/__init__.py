"""HTTP at the edge: sites, sessions, rights, limits, live events and files."""
