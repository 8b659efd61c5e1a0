"""Checking a bundle of a room's ledger, alone: no vault, no network, no escrow."""
