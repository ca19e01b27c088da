"""One room per service, all of the same shape; `gateway` is the door for people and programs."""
