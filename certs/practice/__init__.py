"""The practice authority: a public key infrastructure for demo and tests."""
