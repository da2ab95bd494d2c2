"""MQTT 3.1.1: the port of a client's connection, a client, and a broker in memory."""
