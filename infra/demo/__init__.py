"""Demo data: customers and risk files of any size, seeded and plausible for Ecuador."""
