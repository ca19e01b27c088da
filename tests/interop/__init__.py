"""`make interop`: the bureau asked by clients of other languages, from Debian's packages."""
