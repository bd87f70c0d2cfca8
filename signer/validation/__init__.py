"""Validating signatures: EN 319 102-1, integrity of documents, and what changed after signing."""
