"""Home Assistant, or whatever else in this home reads its language, sees the home's cars."""
