"""The door for VISS clients: COVESA VISS v3 over WebSocket and HTTP."""
