"""The operator's side: tables and one module per capability. It imports nothing that could read an account."""
