"""Figures over all campaigns, over REST."""

from services.gateway.asking import Ask
from services.gateway.routing import Api
from shared.contract import Id, Limit
from shared.contracts.campaign import (
    CampaignFigures,
    GroupFigures,
    ProvinceFigures,
    RepeatedCustomers,
    get_repeated_customers,
    list_by_age,
    list_by_budget,
    list_by_gender,
    list_by_province,
)
from shared.contracts.identity import Permission

api = Api("statistics")


@api.get("/statistics/repeated-customers", allow=Permission.STATISTICS_READ)
async def show_repeated_customers(
    ask: Ask, after: str | None = None, limit: Limit = 50
) -> RepeatedCustomers:
    """Customers in more than one audience, and the campaign × campaign matrix."""
    return await ask(get_repeated_customers, after=after, limit=limit)


@api.get("/statistics/by-budget", allow=Permission.STATISTICS_READ)
async def show_by_budget(ask: Ask) -> list[CampaignFigures]:
    """The newest campaigns, largest budget first."""
    return await ask(list_by_budget)


@api.get("/statistics/by-age", allow=Permission.STATISTICS_READ)
async def show_by_age(ask: Ask, campaign_id: Id | None = None) -> list[GroupFigures]:
    """By age group, over all campaigns or of one."""
    return await ask(list_by_age, campaign_id)


@api.get("/statistics/by-gender", allow=Permission.STATISTICS_READ)
async def show_by_gender(ask: Ask, campaign_id: Id | None = None) -> list[GroupFigures]:
    """By gender, over all campaigns or of one."""
    return await ask(list_by_gender, campaign_id)


@api.get("/statistics/map", allow=Permission.STATISTICS_READ)
async def show_map(ask: Ask, campaign_id: Id | None = None) -> list[ProvinceFigures]:
    """All provinces, over all campaigns or of one."""
    return await ask(list_by_province, campaign_id)
