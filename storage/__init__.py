"""Rows and objects: PostgreSQL (embedded or yours), content by SHA-256, and the archive on both."""
