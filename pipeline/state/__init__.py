"""The little that invocations share: who is telling an alert, which groups are open, whose turn it is."""
