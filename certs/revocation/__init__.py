"""Evidence about revocation: OCSP answers and CRLs, read, judged and kept."""
