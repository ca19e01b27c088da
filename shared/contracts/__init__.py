"""One file per service: its procedures' arguments and replies, and its events."""
