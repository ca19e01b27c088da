"""Accounts of the product's processes at its servers: each reaches what is its own."""
