"""The escrow's HTTP API and the `cleanroom-escrow` command."""
