"""The exchange: who may send what to whom, what has happened, and the ways in."""
