"""The command line `congvan`."""
