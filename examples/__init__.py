"""Two example lists, how they were made, and the demo that runs on them."""
