"""What scenes decide: where the car is, whether a minute has come, and what follows from that."""
