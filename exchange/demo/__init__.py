"""The demo: the whole job on real documents, in steps that check themselves."""
