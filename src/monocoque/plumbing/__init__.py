"""Ports and their adapters. Knows no business word; the rooms above give it meaning."""
