"""The only door between the car and the cloud."""
