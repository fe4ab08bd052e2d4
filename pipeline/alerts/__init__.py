"""From a match to what is told: suppress, route, dedupe, group, pace, each a stage of its own."""
