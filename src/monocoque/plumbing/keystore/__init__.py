"""The keystore: where a machine keeps its secrets."""
