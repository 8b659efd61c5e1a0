"""Here so that the tests in the folders below find the oracles, whichever of them are run."""
