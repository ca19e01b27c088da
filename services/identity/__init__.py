"""identity: who may do what, and who is logged in."""
