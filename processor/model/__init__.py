"""Events, outcomes, dead letters, chains: frozen values that travel through the processor."""
