"""telemarketing: who calls whom, what came of it, and the risk check before the call."""
