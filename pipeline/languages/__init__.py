"""Rule languages: each module's `parse(text)` gives a `Condition`, or raises a located RuleError."""
