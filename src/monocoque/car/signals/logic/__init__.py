"""Decisions about signals, without input and output."""
