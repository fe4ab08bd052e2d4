"""The `trailwire` command, one verb a file.

Data goes to stdout; progress, warnings and summaries go to stderr. Exit codes: 0 fine, 1 findings or failed tests,
2 the user's input is wrong (what could be read was processed), 3 our bug.
"""
