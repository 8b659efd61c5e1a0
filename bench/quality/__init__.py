"""How well accounts of two lists are matched, against the truth of labelled slices. See bench/quality.md."""
