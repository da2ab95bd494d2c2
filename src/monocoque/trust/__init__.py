"""Signatures, sealed messages and their keys: pure mathematics on values that callers bring."""
