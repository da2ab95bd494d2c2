"""The owner's side of the cell: people, sessions, and later pairing. Never holds a private key."""
