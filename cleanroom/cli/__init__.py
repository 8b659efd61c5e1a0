"""The `cleanroom` command."""
