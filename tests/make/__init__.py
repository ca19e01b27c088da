"""What tests are made of: people, definitions, campaigns."""
