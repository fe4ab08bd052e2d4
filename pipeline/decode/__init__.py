"""From bytes to events. What cannot be read is handed back whole with its reason, never skipped."""
