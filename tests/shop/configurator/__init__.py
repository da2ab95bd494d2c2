"""Tests of the configurator."""
