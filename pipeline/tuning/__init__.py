"""Working on a configuration: what is doubtful about it, and what would change."""
