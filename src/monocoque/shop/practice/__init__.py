"""A payment provider for practice: no real money, and every trouble of a real one."""
