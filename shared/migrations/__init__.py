"""The migration environment of all rooms, and the kit's own tables."""
