"""The kit that reads files of rows."""
