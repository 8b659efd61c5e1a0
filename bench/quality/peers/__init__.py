"""Other ways to match two lists, each run by `bench.quality.peer` in an environment of its own."""
