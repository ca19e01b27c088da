"""Statistics: of one campaign, and over all of them."""

from collections.abc import Awaitable, Callable
from typing import Annotated, get_args

from fastapi import Request
from pydantic import BeforeValidator
from starlette.responses import Response

from services.gateway import addresses, menu
from services.gateway import statistics_charts as charts
from services.gateway.asking import Ask, Asker
from services.gateway.downloads import csv_table
from services.gateway.rendering import render
from services.gateway.routing import Pages
from services.gateway.statistics_charts import MapValue, Table
from shared.contract import Id
from shared.contracts.campaign import (
    get_campaign,
    get_repeated_customers,
    get_statistics,
    list_by_age,
    list_by_budget,
    list_by_gender,
    list_by_province,
)
from shared.contracts.identity import Permission
from shared.errors import NotFound

pages = Pages()
menu.add(
    menu.Heading.MARKETING,
    40,
    "Estadísticas",
    "/estadisticas",
    Permission.STATISTICS_READ,
    icon="chart-bar",
    purpose="Resultados por campaña, provincia y asesor",
)

# The number of a campaign; 0 and nothing mean all of them.
Campaign = Annotated[Id | None, BeforeValidator(lambda text: None if text in ("", "0") else text)]

_REPEATED_IN_FILE = 10_000
_REPEATED_A_CALL = 200


@pages.get("/campanas/{campaign_id:int}/estadisticas", allow=Permission.STATISTICS_READ)
async def show_campaign_statistics(
    request: Request, campaign_id: Id, ask: Ask, valor: str = "audience"
) -> Response:
    """All figures of a campaign."""
    figures = await ask(get_statistics, campaign_id)
    return render(
        request,
        "campaign/statistics.html",
        campaign=await ask(get_campaign, campaign_id),
        figures=figures,
        by_result=charts.counts(figures.by_result, "Llamadas"),
        by_day=charts.by_day(figures.by_day),
        by_advisor=charts.counts(figures.by_advisor, "Llamadas"),
        mail=charts.mail_funnel(figures.mail),
        mail_rows=charts.mail_table(figures.mail).rows,
        map=charts.province_map(figures.by_province, _map_value(valor)),
        map_value=_map_value(valor),
        map_values=charts.MAP_VALUES,
    )


@pages.get("/campanas/{campaign_id:int}/estadisticas/{name}.csv", allow=Permission.STATISTICS_READ)
async def download_campaign_statistics(campaign_id: Id, name: str, ask: Ask) -> Response:
    """One of the page's tables."""
    tables = charts.campaign_tables(await ask(get_statistics, campaign_id))
    return _download(tables.get(name), f"campana-{campaign_id}-{name}.csv")


@pages.get("/estadisticas", allow=Permission.STATISTICS_READ)
async def show_statistics(
    request: Request, ask: Ask, campana: Campaign = None, valor: str = "audience"
) -> Response:
    """Over all campaigns; the map, ages and genders also of one."""
    campaigns = await ask(list_by_budget)
    return render(
        request,
        "statistics/overview.html",
        campaigns=campaigns,
        chosen=campana,
        by_budget=charts.by_budget(campaigns),
        by_age=charts.groups(await ask(list_by_age, campana)),
        by_gender=charts.groups(await ask(list_by_gender, campana)),
        map=charts.province_map(await ask(list_by_province, campana), _map_value(valor)),
        map_value=_map_value(valor),
        map_values=charts.MAP_VALUES,
    )


@pages.get("/estadisticas/repetidos", allow=Permission.STATISTICS_READ)
async def show_repeated_customers(
    request: Request, ask: Ask, after: addresses.After = None
) -> Response:
    """Customers in more than one campaign, and how many each two campaigns share."""
    repeated = await ask(get_repeated_customers, after=after)
    return render(
        request,
        "statistics/repeated.html",
        repeated=repeated,
        matrix=charts.overlap_matrix(repeated),
    )


@pages.get("/estadisticas/{name}.csv", allow=Permission.STATISTICS_READ)
async def download_statistics(name: str, ask: Ask, campana: Campaign = None) -> Response:
    """One of the tables over all campaigns."""
    table = _TABLES.get(name)
    return _download(await table(ask, campana) if table else None, f"{name}.csv")


async def _budget_table(ask: Asker, _campaign_id: int | None) -> Table:
    return charts.campaigns_table(await ask(list_by_budget))


async def _age_table(ask: Asker, campaign_id: int | None) -> Table:
    return charts.groups_table(await ask(list_by_age, campaign_id))


async def _gender_table(ask: Asker, campaign_id: int | None) -> Table:
    return charts.groups_table(await ask(list_by_gender, campaign_id))


async def _province_table(ask: Asker, campaign_id: int | None) -> Table:
    return charts.provinces_table(await ask(list_by_province, campaign_id))


async def _repeated_table(ask: Asker, _campaign_id: int | None) -> Table:
    """The first 10,000; a page at a time."""
    found = await ask(get_repeated_customers, limit=_REPEATED_A_CALL)
    table = charts.repeated_table(found)
    while found.next and len(table.rows) < _REPEATED_IN_FILE:
        found = await ask(get_repeated_customers, after=found.next, limit=_REPEATED_A_CALL)
        table.rows.extend(charts.repeated_table(found).rows)
    return table


_TABLES: dict[str, Callable[[Asker, int | None], Awaitable[Table]]] = {
    "presupuesto": _budget_table,
    "edad": _age_table,
    "genero": _gender_table,
    "provincias": _province_table,
    "repetidos": _repeated_table,
}


def _download(table: Table | None, file_name: str) -> Response:
    if table is None:
        raise NotFound("No existe esa tabla.")
    return csv_table(file_name, table.header, table.rows)


def _map_value(text: str) -> MapValue:
    return next((value for value in get_args(MapValue) if value == text), "audience")
