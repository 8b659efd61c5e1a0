"""One module per kind of match key: each turns what a CRM holds into one canonical key, or refuses."""
