"""The domain, the wire messages and the partner's side: agent, command line and Python face."""
