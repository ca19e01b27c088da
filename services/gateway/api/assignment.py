"""Assignments over REST."""

from services.gateway.asking import Ask
from services.gateway.routing import Api
from shared.contract import Id, Limit, Model, Page
from shared.contracts.identity import Permission
from shared.contracts.telemarketing import (
    Assigned,
    Assignment,
    CallList,
    NewAssignment,
    assign_customers,
    get_call_list,
    list_assignments,
    refresh_risks,
    request_call_list,
    take_back,
)
from shared.errors import NotFound

api = Api("assignment")


class Freed(Model):
    """How many customers an advisor gave back."""

    freed: int


class Refreshed(Model):
    """About how many customers the bureau is asked."""

    customers: int


@api.post("/campaigns/{campaign_id}/assignments", allow=Permission.ASSIGN)
async def assign(campaign_id: Id, new: NewAssignment, ask: Ask) -> Assigned:
    """Give each advisor customers that nobody has yet; fewer when there are not enough."""
    return await ask(assign_customers, campaign_id, new)


@api.post("/campaigns/{campaign_id}/call-list", allow=Permission.ASSIGN, status_code=202)
async def ask_for_list(campaign_id: Id, ask: Ask) -> CallList:
    """Ask for the call list anew, as after one that failed; 409 while one is on its way."""
    return await ask(request_call_list, campaign_id)


@api.get("/campaigns/{campaign_id}/call-list", allow=Permission.ASSIGN)
async def show_list(campaign_id: Id, ask: Ask) -> CallList:
    """The newest call list and what became of it; 404 before the first."""
    found = await ask(get_call_list, campaign_id)
    if found is None:
        raise NotFound("La campaña todavía no tiene lista de llamadas.")
    return found


@api.get("/assignments", allow=Permission.ASSIGN)
async def show_assignments(
    ask: Ask,
    campaign_id: Id | None = None,
    advisor: str | None = None,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[Assignment]:
    """By campaign, newest first, then advisor."""
    return await ask(
        list_assignments, campaign_id=campaign_id, advisor=advisor, after=after, limit=limit
    )


@api.delete("/campaigns/{campaign_id}/assignments/{advisor}", allow=Permission.ASSIGN)
async def free(campaign_id: Id, advisor: str, ask: Ask) -> Freed:
    """Take back what an advisor has not called yet."""
    return Freed(freed=await ask(take_back, campaign_id, advisor))


@api.post(
    "/campaigns/{campaign_id}/assignments/{advisor}/risk-refreshes",
    allow=Permission.ASSIGN,
    status_code=202,
)
async def refresh(campaign_id: Id, advisor: str, ask: Ask) -> Refreshed:
    """Ask the bureau about everybody an advisor has open, in the background."""
    return Refreshed(customers=await ask(refresh_risks, campaign_id, advisor))
