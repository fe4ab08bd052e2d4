"""A CloudTrail event as a person sees it: who did what to which resource, from where, with what outcome.

    summary.summarize(event) -> EventSummary      what messages say about an event
    actor.resolve_actor(event) -> Actor           who acted
    resource.resource_of(event) -> str            what it was done to
    redaction.redact(value)                       without known credentials

Nothing is imported here: a function that starts needs none of it before its first alert.
"""
