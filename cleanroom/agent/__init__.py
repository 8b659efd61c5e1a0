"""The partner's own software: vault, list, commit, evaluate, sync. The only place where plaintext exists."""
