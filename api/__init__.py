"""HTTP faces and composition roots."""
