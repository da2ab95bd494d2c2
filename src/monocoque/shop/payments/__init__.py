"""Money that comes and goes: payments, the provider's port, and the ledger."""
