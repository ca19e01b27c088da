"""An advisor's calls over REST: next, risk check, result."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime
from starlette.responses import Response

from services.gateway.asking import Ask
from services.gateway.routing import ANY_USER, Api
from shared.contract import Id, Limit, Page
from shared.contracts.identity import Permission
from shared.contracts.telemarketing import (
    Call,
    Callback,
    Lease,
    NewCall,
    QueueState,
    ResultMeaning,
    RiskCheck,
    check_risk,
    get_queue_state,
    list_callbacks,
    list_calls,
    list_results,
    next_call,
    record_call,
    release_lease,
)

api = Api("call")

CALLERS = frozenset({Permission.CALL_WORK, Permission.CALL_READ_ALL})


@api.post("/calls/next", allow=Permission.CALL_WORK, response_model=Lease)
async def take_next(ask: Ask) -> Lease | Response:
    """Lease the next customer; 204 when there is nobody to call now."""
    lease = await ask(next_call)
    return Response(status_code=204) if lease is None else lease


@api.get("/calls/queue", allow=Permission.CALL_WORK)
async def show_queue(ask: Ask) -> QueueState:
    """How many are left, and why nobody can be called now when that is so."""
    return await ask(get_queue_state)


@api.delete("/calls/leases/{lease_id}", allow=Permission.CALL_WORK, status_code=204)
async def give_back(lease_id: UUID, ask: Ask) -> None:
    """Leave a customer for later, without a call."""
    await ask(release_lease, lease_id)


@api.post("/calls", allow=Permission.CALL_WORK, status_code=201)
async def store_call(new: NewCall, ask: Ask) -> Call:
    """Record a result; the same lease again gives the same call."""
    return await ask(record_call, new)


@api.get("/calls", allow=CALLERS)
async def show_calls(
    ask: Ask,
    campaign_id: Id | None = None,
    customer_id: Id | None = None,
    advisor: str | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[Call]:
    """Calls, newest first; an advisor sees the own ones."""
    return await ask(
        list_calls,
        campaign_id=campaign_id,
        customer_id=customer_id,
        advisor=advisor,
        after=after,
        limit=limit,
    )


@api.get("/calls/results", allow=ANY_USER)
async def show_results(ask: Ask) -> list[ResultMeaning]:
    """The results a call can have and what each means."""
    return await ask(list_results)


@api.get("/callbacks", allow=CALLERS)
async def show_callbacks(
    ask: Ask,
    from_at: Annotated[AwareDatetime, Query(alias="from")],
    to_at: Annotated[AwareDatetime, Query(alias="to")],
    advisor: str | None = None,
) -> list[Callback]:
    """Agreed calls by time, at most 1,000; `to` is not included."""
    return await ask(list_callbacks, from_at, to_at, advisor=advisor)


@api.post("/customers/{customer_id}/risk-checks", allow=Permission.RISK_CHECK)
async def ask_risk(customer_id: Id, ask: Ask, purpose: str = "call") -> RiskCheck:
    """Ask the bureau; `state` is `unavailable` when it does not answer."""
    return await ask(check_risk, customer_id, purpose)
