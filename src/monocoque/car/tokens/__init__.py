"""Tokens for clients of the car's signals: made, judged and taken back."""
