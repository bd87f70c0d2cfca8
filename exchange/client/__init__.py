"""A Python client of the exchange over mutual TLS."""
