"""The quick way to accept what our own signer made and nobody touched since."""
