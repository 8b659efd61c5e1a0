"""Values of the domain: frozen, validated on construction, free of I/O."""
