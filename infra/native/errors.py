"""What the native stack tells its user when it cannot go on."""


class StackError(Exception):
    """Something the user can mend; the message says what it is and how."""
