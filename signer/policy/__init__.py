"""Verification policies: what is asked of good signatures before they count."""
