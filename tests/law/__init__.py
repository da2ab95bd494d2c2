"""The law itself is tested: each check sees the violation that is planted for it."""
