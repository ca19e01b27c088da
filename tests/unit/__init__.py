"""Pure rules and tools, without servers."""
