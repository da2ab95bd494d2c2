"""Signatures, sealed messages and the keys behind them: pure mathematics on values that the caller brings."""
