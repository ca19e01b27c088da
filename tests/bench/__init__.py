"""One module a benchmark: `run()` gives its figures; the peer or limit is measured beside it."""
