"""How the product is put on a machine: the native stack, containers, demo data."""
