"""AWS, as far as the pipeline touches it: state, outbox, quarantine, secrets, configuration."""
