"""Tests of the product; those with servers run under `make test`."""
