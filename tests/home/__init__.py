"""Tests of what runs in a home."""
