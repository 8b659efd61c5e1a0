"""What travels between agent and escrow: signed documents, Arrow batches, sealed bytes, signed requests."""
