"""Why somebody takes a file with personal data away, as addresses say it."""

from typing import Annotated

from fastapi import Depends, Query

from shared.contracts.exports import ExportReason, ExportWhy

_Reason = ExportReason | None
_MOST = 200


def _of_page(
    motivo: Annotated[_Reason, Query()] = None,
    detalle: Annotated[str, Query(max_length=_MOST)] = "",
) -> ExportWhy | None:
    return ExportWhy(reason=motivo, words=detalle) if motivo else None


def _of_api(
    reason: Annotated[_Reason, Query()] = None,
    words: Annotated[str, Query(max_length=_MOST)] = "",
) -> ExportWhy | None:
    return ExportWhy(reason=reason, words=words) if reason else None


# None: without a reason; then personal data is masked
Why = Annotated[ExportWhy | None, Depends(_of_page)]
ApiWhy = Annotated[ExportWhy | None, Depends(_of_api)]
