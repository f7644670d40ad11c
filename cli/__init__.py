"""What a person types: `rota …`, against the local stack or a deployed one."""
