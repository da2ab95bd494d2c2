"""The door for clients of KUKSA: kuksa.val.v2, and what its Python client speaks of v1."""
