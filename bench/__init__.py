"""Measurements behind every figure in the documents. See bench/README.md."""
