"""Figures of campaigns as charts, and as the tables one downloads."""

from typing import Literal

from services.gateway.charts import Chart, Figure, Series
from services.gateway.downloads import Table
from shared.contracts.campaign import (
    CampaignFigures,
    CampaignStatistics,
    Count,
    DayCount,
    GroupFigures,
    MailFunnel,
    ProvinceFigures,
    RepeatedCustomers,
)
from shared.contracts.mailer import RecipientState as State
from shared.ecuador.dates import format_date
from shared.sheets import Cell

MapValue = Literal["audience", "contacted", "accepted", "success_rate"]
MAP_VALUES: dict[str, str] = {
    "audience": "Público",
    "contacted": "Contactados",
    "accepted": "Aceptaron",
    "success_rate": "Tasa de éxito",
}


def counts(items: list[Count], name: str) -> Chart:
    """A bar for each."""
    return Chart(
        kind="bar-horizontal",
        labels=[item.label for item in items],
        series=[Series(name=name, values=[item.count for item in items])],
    )


def counts_table(items: list[Count], title: str, what: str, name: str) -> Table:
    """A row for each."""
    return Table(title, (what, name), [(item.label, item.count) for item in items])


def by_day(items: list[DayCount]) -> Chart:
    """Calls of each day, a stack of results."""
    days = sorted({item.on for item in items})
    results = list(dict.fromkeys(item.result for item in items))
    found = {(item.on, item.result): item.count for item in items}
    return Chart(
        kind="bar",
        stacked=True,
        labels=[format_date(day) for day in days],
        series=[
            Series(name=result.word, values=[found.get((day, result), 0) for day in days])
            for result in results
        ]
        or [Series(name="Llamadas", values=[])],
    )


def by_day_table(items: list[DayCount]) -> Table:
    """A row for each day and result."""
    rows: list[tuple[Cell, ...]] = [(item.on, item.result.word, item.count) for item in items]
    return Table("Llamadas por día", ("Día", "Resultado", "Llamadas"), rows)


def province_map(items: list[ProvinceFigures], value: MapValue) -> Chart:
    """The map of Ecuador painted by one of the values."""
    figures: list[Figure] = [getattr(item, value) for item in items]
    return Chart(
        kind="map",
        labels=[item.province for item in items],
        names=[item.name for item in items],
        series=[Series(name=MAP_VALUES[value], values=figures)],
        format="percent" if value == "success_rate" else "number",
    )


def provinces_table(items: list[ProvinceFigures]) -> Table:
    """All values of each province."""
    return Table(
        "Por provincia",
        ("Código", "Provincia", *MAP_VALUES.values()),
        [
            (
                item.province,
                item.name,
                item.audience,
                item.contacted,
                item.accepted,
                item.success_rate,
            )
            for item in items
        ],
    )


def mail_funnel(mail: MailFunnel) -> Chart:
    """From those aimed at to those who got the mail."""
    steps = _mail_steps(mail)
    return Chart(
        kind="bar-horizontal",
        labels=[name for name, _ in steps],
        series=[Series(name="Correos", values=[count for _, count in steps])],
    )


def _mail_steps(mail: MailFunnel) -> list[tuple[str, int]]:
    tried = mail.sent + mail.failed + mail.doubtful
    return [("Destinatarios", mail.target), ("Intentados", tried), (State.SENT.plural, mail.sent)]


def mail_table(mail: MailFunnel) -> Table:
    """Each state; their sum is the target."""
    skipped = f"{State.SKIPPED.plural}: "
    rows: list[tuple[Cell, ...]] = [
        ("Destinatarios", mail.target),
        (State.PENDING.plural, mail.pending),
        (State.SENT.plural, mail.sent),
        (State.FAILED.plural, mail.failed),
        (State.DOUBTFUL.plural, mail.doubtful),
        (State.CANCELLED.plural, mail.cancelled),
        *((skipped + reason.word, count) for reason, count in mail.skipped.items()),
        ("Se dieron de baja", mail.unsubscribed),
    ]
    return Table("Correo", ("Estado", "Correos"), rows)


def by_budget(items: list[CampaignFigures]) -> Chart:
    """Budget and expected revenue of each campaign."""
    return Chart(
        kind="bar",
        labels=[item.name for item in items],
        series=[
            Series(name="Presupuesto", values=[item.budget for item in items]),
            Series(name="Ingreso esperado", values=[item.expected_revenue for item in items]),
        ],
        format="money",
    )


def campaigns_table(items: list[CampaignFigures]) -> Table:
    """A row for each campaign."""
    return Table(
        "Campañas por presupuesto",
        (
            "Campaña",
            "Fase",
            "Presupuesto",
            "Ingreso esperado",
            "Público",
            "Contactados",
            "Aceptaron",
        ),
        [
            (
                item.name,
                item.phase.word,
                item.budget,
                item.expected_revenue,
                item.audience,
                item.contacted,
                item.accepted,
            )
            for item in items
        ],
    )


def groups(items: list[GroupFigures]) -> Chart:
    """Audience, contacted and accepted of each group."""
    return Chart(
        kind="bar",
        labels=[item.label for item in items],
        series=[
            Series(name="Público", values=[item.audience for item in items]),
            Series(name="Contactados", values=[item.contacted for item in items]),
            Series(name="Aceptaron", values=[item.accepted for item in items]),
        ],
    )


def groups_table(items: list[GroupFigures], title: str) -> Table:
    """A row for each group."""
    return Table(
        title,
        ("Grupo", "Público", "Contactados", "Aceptaron"),
        [(item.label, item.audience, item.contacted, item.accepted) for item in items],
    )


def overlap_matrix(repeated: RepeatedCustomers) -> Chart:
    """Customers that each two campaigns share; those that share none are left out."""
    shared = {(item.first, item.second): item.customers for item in repeated.matrix}
    ids = sorted({campaign_id for pair in shared for campaign_id in pair})
    names = [repeated.campaigns.get(number, f"Campaña {number}") for number in ids]
    return Chart(
        kind="heatmap",
        labels=names,
        series=[
            Series(
                name=name,
                values=[shared.get((min(row, column), max(row, column))) for column in ids],
            )
            for name, row in zip(names, ids, strict=True)
        ]
        or [Series(name="", values=[])],
    )


def repeated_table(repeated: RepeatedCustomers) -> Table:
    """A row for each customer."""
    return Table(
        "Clientes en más de una campaña",
        ("Cédula", "Cliente", "Campañas"),
        [
            (item.cedula, item.full_name, ", ".join(_names(repeated, item.campaigns)))
            for item in repeated.customers
        ],
    )


def _names(repeated: RepeatedCustomers, ids: list[int]) -> list[str]:
    return [repeated.campaigns.get(number, f"Campaña {number}") for number in ids]


def campaign_tables(figures: CampaignStatistics) -> dict[str, Table]:
    """What the campaign's statistics page offers for download, by the name in the address."""
    return {
        "resultados": counts_table(
            figures.by_result, "Resultados de las llamadas", "Resultado", "Llamadas"
        ),
        "dias": by_day_table(figures.by_day),
        "asesores": counts_table(figures.by_advisor, "Llamadas por asesor", "Asesor", "Llamadas"),
        "provincias": provinces_table(figures.by_province),
        "correo": mail_table(figures.mail),
    }
