"""campaign: campaigns, their phases, their audience and their statistics."""
