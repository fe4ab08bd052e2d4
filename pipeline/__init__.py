"""Trailwire: CloudTrail in, the right Slack message out, seconds later, and nothing lost on the way."""
