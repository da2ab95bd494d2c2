"""Decisions about updates: which slot a control unit starts, and where an update stands."""
