"""Monocoque: one shell for a software-defined car, its phone, home, services, updates and shop.

The rooms and the direction of imports between them are in ARCHITECTURE.md.
"""

__version__ = "0.1.0"
