"""How a partner's account list gets into the agent: table -> mapping -> accounts, all in memory, nothing evaluated."""
