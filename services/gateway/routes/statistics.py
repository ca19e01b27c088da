"""Statistics: of one campaign, and over all of them."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated, get_args

from fastapi import Request
from pydantic import BeforeValidator
from starlette.responses import Response

from services.gateway import addresses, menu
from services.gateway import statistics_charts as charts
from services.gateway.asking import Ask, Asker
from services.gateway.downloads import Table, TableForm, table
from services.gateway.reasons import Why
from services.gateway.rendering import render
from services.gateway.routing import Pages
from services.gateway.statistics_charts import MapValue
from shared import clock
from shared.contract import Id
from shared.contracts.audit import AuditKind, record_export
from shared.contracts.campaign import (
    CampaignPermission,
    export_repeated_customers,
    get_campaign,
    get_repeated_customers,
    get_statistics,
    list_by_age,
    list_by_budget,
    list_by_gender,
    list_by_province,
)
from shared.contracts.exports import ExportWhy
from shared.ecuador.money import format_number
from shared.errors import NotFound
from shared.sheets import About

READ = CampaignPermission.READ_STATISTICS
pages = Pages()
menu.add(
    menu.Heading.MARKETING,
    40,
    "Estadísticas",
    "/estadisticas",
    READ,
    icon="chart-bar",
    purpose="Resultados por campaña, provincia y asesor",
)

# The number of a campaign; 0 and nothing mean all of them.
Campaign = Annotated[Id | None, BeforeValidator(lambda text: None if text in ("", "0") else text)]

_REPEATED_IN_FILE = 10_000
_REPEATED_A_CALL = 200


@pages.get("/campanas/{campaign_id:int}/estadisticas", allow=READ)
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


@pages.get("/campanas/{campaign_id:int}/estadisticas/{name}.csv", allow=READ)
async def download_campaign_statistics(
    campaign_id: Id, name: str, ask: Ask, form: Annotated[TableForm, addresses.Form] = TableForm.CSV
) -> Response:
    """One of the page's tables."""
    tables = charts.campaign_tables(await ask(get_statistics, campaign_id))
    campaign = await ask(get_campaign, campaign_id)
    return await _download(
        ask, tables.get(name), f"campana-{campaign_id}-{name}", form, campaign.name
    )


@pages.get("/estadisticas", allow=READ)
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


@pages.get("/estadisticas/repetidos", allow=READ)
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
        most_in_file=_REPEATED_IN_FILE,
    )


@pages.get("/estadisticas/{name}.csv", allow=READ)
async def download_statistics(
    name: str,
    ask: Ask,
    why: Why,
    campana: Campaign = None,
    form: Annotated[TableForm, addresses.Form] = TableForm.CSV,
) -> Response:
    """One of the tables over all campaigns; that of people is whole only for a reason."""
    if name == _PEOPLE:
        found: Table | None = await _repeated_table(ask, why)
        return await _download(ask, found, name, form, "Todas", why)
    make = _TABLES.get(name)
    if name in _OVER_ALL:
        campana = None
    found = await make(ask, campana) if make else None
    of = (await ask(get_campaign, campana)).name if campana else "Todas"
    return await _download(ask, found, name, form, of)


async def _budget_table(ask: Asker, _campaign_id: int | None) -> Table:
    return charts.campaigns_table(await ask(list_by_budget))


async def _age_table(ask: Asker, campaign_id: int | None) -> Table:
    return charts.groups_table(await ask(list_by_age, campaign_id), "Por edad")


async def _gender_table(ask: Asker, campaign_id: int | None) -> Table:
    return charts.groups_table(await ask(list_by_gender, campaign_id), "Por género")


async def _province_table(ask: Asker, campaign_id: int | None) -> Table:
    return charts.provinces_table(await ask(list_by_province, campaign_id))


async def _repeated_table(ask: Asker, why: ExportWhy | None) -> Table:
    """The first 10,000, a page at a time; a title that says so where there are more."""
    found = await ask(export_repeated_customers, why, limit=_REPEATED_A_CALL)
    whole = charts.repeated_table(found)
    while found.next and len(whole.rows) < _REPEATED_IN_FILE:
        found = await ask(export_repeated_customers, why, found.next, limit=_REPEATED_A_CALL)
        whole.rows.extend(charts.repeated_table(found).rows)
    if found.next is None:
        return whole
    first = f"los primeros {format_number(len(whole.rows))} de {format_number(found.total)}"
    return replace(whole, title=f"{whole.title} ({first})")


_TABLES: dict[str, Callable[[Asker, int | None], Awaitable[Table]]] = {
    "presupuesto": _budget_table,
    "edad": _age_table,
    "genero": _gender_table,
    "provincias": _province_table,
}
_OVER_ALL = {"presupuesto"}  # campaigns beside each other
_PEOPLE = "repetidos"


async def _download(
    ask: Asker,
    found: Table | None,
    file_name: str,
    form: TableForm,
    campaign: str,
    why: ExportWhy | None = None,
) -> Response:
    if found is None:
        raise NotFound("No existe esa tabla.")
    await ask(record_export, AuditKind.FIGURES, reason=why.told if why else "")
    filters = (("Campaña", campaign),)
    about = About(found.title, by=ask.full_name, as_of=clock.now(), filters=filters)
    return await table(file_name, found, form, about)


def _map_value(text: str) -> MapValue:
    return next((value for value in get_args(MapValue) if value == text), "audience")
