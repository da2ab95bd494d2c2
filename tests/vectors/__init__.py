"""Bytes that every implementation of a protocol must agree on."""
