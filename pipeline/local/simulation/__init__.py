"""The whole delivery chain on a simulated clock: many functions at once, a stream, a queue, Slack, and whatever fails.

Everything that decides is the real thing: the handlers, the chain, the drain, the Slack destination and slack_sdk. Only
what would take time or a network is simulated, and every run is a function of its seed.
"""
