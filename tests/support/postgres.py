"""Fixtures that give each test its own PostgreSQL database on a cluster of the test session."""
