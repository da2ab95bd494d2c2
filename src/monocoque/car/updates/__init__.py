"""The car's updates: what it is to install, whether it may, and all control units or none."""
