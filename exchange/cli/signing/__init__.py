"""What all signing commands share: which files, which key, in what order, with what result."""
