"""Reading files of rows into a room: one shape for all; see docs/decisions/0014-loads.md."""
