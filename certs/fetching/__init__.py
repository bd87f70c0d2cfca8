"""Evidence over HTTP: whom we may ask, what it may cost, which answers count."""
