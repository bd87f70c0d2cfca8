"""Fixtures that give tests object stores: a directory, and a real S3 server."""
