"""Sign PDF documents (PAdES), judge the signatures of others, and say why."""
