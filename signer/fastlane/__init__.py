"""The quick way to prepare a signature, for documents of the plain kind."""
