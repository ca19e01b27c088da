"""A small OpenID Connect provider, real but for its people: a process of its own, for tests."""
