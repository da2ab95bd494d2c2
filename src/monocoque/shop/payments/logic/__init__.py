"""What a payment may become, and what each of it means in the ledger."""
