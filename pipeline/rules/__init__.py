"""Rules: from a configuration to compiled conditions, and from an event to the rules it matches."""
