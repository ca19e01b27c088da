"""One file per service: its procedures' arguments and replies, and its events."""

ROOMS: tuple[str, ...] = (
    "identity",
    "customer_query",
    "campaign",
    "mailer",
    "telemarketing",
    "risk_central",
)
