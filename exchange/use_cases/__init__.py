"""What callers can do, one module a step of a document's life: drafting, submitting, receiving."""
