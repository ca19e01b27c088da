"""How a file of rows is to be read, as the API's forms say it."""

from typing import Annotated

from fastapi import Depends, Form


def _read(
    dry_run: Annotated[bool, Form()] = False,  # noqa: FBT002  # a form field has no keyword
    hold: Annotated[bool, Form()] = False,  # noqa: FBT002  # as above
) -> dict[str, bool]:
    return {"dry_run": dry_run, "hold": hold}


Course = Annotated[dict[str, bool], Depends(_read)]
