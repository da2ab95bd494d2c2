"""The bus of a vehicle (CAN): frames from its wires and from logs of them."""
