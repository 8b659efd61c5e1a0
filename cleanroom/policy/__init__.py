"""The policy language: what leaves for whom, in which form. Pure functions, standard library only."""
