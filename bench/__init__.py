"""Benchmarks: a module each, whose ``measure`` returns figures by their keys."""
