"""Odd and hostile input for the whole product: `make hostile`, and in small in `make test`."""
