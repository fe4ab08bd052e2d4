"""The embedded AWS and the Slack stand-in that `make run` and the flow tests use. Never imported in Lambda."""
