"""The deployed template on a laptop: an AWS emulator, simulated providers, and what puts the stack there."""
