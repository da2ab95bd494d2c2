"""The bus: one port, an adapter inside one machine, and one between machines over NATS."""
