"""The lake: columns of many values, for analysis."""
