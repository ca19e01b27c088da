"""The first data of a fresh product: `python -m infra.demo.seed` (`--empty`: one administrator).

Everything goes through the rooms' own doors, as the users who would do it. Each step carries an
idempotency key, so a seeding that was interrupted is run again without doubling anything.
"""

import asyncio
import os
import random
import sys
import tempfile
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from infra.demo import customers, history, risk
from infra.demo.generate_file import write_rows
from infra.native import credentials, environment
from infra.native.run import Run
from shared import clock, files, trace
from shared.client import Client
from shared.contract import Actor
from shared.contracts import campaign, customer_query, identity, mailer, risk_central, telemarketing
from shared.contracts.campaign import Phase
from shared.contracts.telemarketing import CallResult, RiskPurpose
from shared.errors import Invalid, PregonError
from shared.permissions import granted

CUSTOMERS = 20_000
SEED = 1
WAIT_SECONDS = 180.0
POLL_SECONDS = 0.2
TEAM = "Televentas"
TEAM_DAYS = 365  # that it is older than the demo
MAIL_DOMAIN = "pregon.example"  # nobody's (RFC 2606)
FULL_NAMES = {
    "jefe": "María José Andrade",
    "asesor1": "Carlos Quishpe",
    "asesor2": "Gabriela Zambrano",
    "asesor3": "Diego Paredes",
    "supervisor": "Lorena Cevallos",
    "backoffice": "Andrés Villacís",
    "admin": "Administrador",
}
RESULTS = {  # how calls end, in a hundred
    CallResult.ACCEPTED: 9,
    CallResult.INTERESTED: 12,
    CallResult.CALLBACK: 10,
    CallResult.NOT_INTERESTED: 22,
    CallResult.DO_NOT_CALL: 3,
    CallResult.NO_ANSWER: 25,
    CallResult.BUSY: 7,
    CallResult.VOICEMAIL: 8,
    CallResult.WRONG_NUMBER: 3,
    CallResult.OUT_OF_SERVICE: 1,
}
SCRIPT = (
    "Buenos días, ¿hablo con {nombre}? Le saluda {asesor}, de la compañía telefónica.\n"
    "Le llamo porque tenemos una propuesta para usted. ¿Tiene un momento?\n"
    "1. Confirme que la persona es el titular.\n"
    "2. Presente la oferta y su precio final con IVA.\n"
    "3. Si acepta, lea las condiciones y confirme la aceptación."
)
T = TypeVar("T")


class Campaigns:
    """The three campaigns of the demo: one finished, one executing, one planned."""

    FINISHED = campaign.NewCampaign(
        name="Fibra hogar · primer semestre",
        goal="Vender fibra a hogares con ingresos medios de la Costa",
        channels=["mail", "phone"],
        definition={
            "all": [
                {"field": "province", "in": ["09", "13", "12"]},
                {"field": "age", "between": [25, 55]},
                {"field": "income", "between": [500, 2000]},
            ]
        },
        budget=Decimal(4500),
        expected_revenue=Decimal(21000),
        control_share=0.1,
        mail_subject="Fibra de 300 megas para su hogar",
        script=SCRIPT,
    )
    EXECUTING = campaign.NewCampaign(
        name="Pospago joven",
        goal="Pasar clientes jóvenes de prepago a pospago",
        channels=["mail", "phone"],
        definition={
            "all": [
                {"field": "age", "between": [18, 35]},
                {"field": "province", "in": ["17", "09", "01"]},
            ]
        },
        budget=Decimal(3200),
        expected_revenue=Decimal(15500),
        mail_subject="{{ primer_nombre }}, su plan pospago desde $12",
        script=SCRIPT,
    )
    PLANNED = campaign.NewCampaign(
        name="Clientes leales · fin de año",
        goal="Agradecer a quienes llevan más de diez años",
        channels=["mail"],
        definition={"all": [{"field": "category", "in": ["loyal"]}]},
        budget=Decimal(1800),
        expected_revenue=Decimal(6000),
        mail_subject="Gracias por más de diez años con nosotros",
    )


class Seeder:
    """Acts as the demo's users, one step after another."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._actors: dict[str, Actor] = {}
        self._rng = random.Random(SEED)  # noqa: S311  # plausible, not secret

    async def run_empty(self, users: dict[str, dict[str, str]]) -> None:
        """One administrator, for a product that will get real data."""
        await self._create_users({"admin": users["admin"]})

    async def run(self, users: dict[str, dict[str, str]]) -> None:
        """Users, customers, their risk, three campaigns and what was done in them."""
        await self._create_users(users, MAIL_DOMAIN)
        await self._make_team()
        with trace.use(actor=self._actors["jefe"]):  # who asks where a step does not say it
            await self._fill()

    async def _fill(self) -> None:
        await self._load_people()
        history.add_services()
        finished = await self._campaign(Campaigns.FINISHED, Phase.EXECUTING)
        executing = await self._campaign(Campaigns.EXECUTING, Phase.EXECUTING)
        await self._campaign(Campaigns.PLANNED, Phase.PLANNED)
        for number in (finished, executing):
            await self._mail(number)
        await self._call(finished, per_advisor=70, calls=60)
        await self._call(executing, per_advisor=60, calls=35)
        await self._move(finished, Phase.CLOSING, Phase.FINISHED)
        history.spread(finished, executing)

    # --- steps ---

    async def _create_users(self, users: dict[str, dict[str, str]], domain: str = "") -> None:
        """With mail addresses where letters go to the catch-all: what is real gets a real one."""
        system = _actor(0, "instalación", "Instalación", identity.Role.ADMIN)
        for username, name in FULL_NAMES.items():
            if username not in users:
                continue
            new = identity.NewUser(
                username=username,
                full_name=name,
                role=identity.Role(users[username]["role"]),
                password=users[username]["password"],
                email=f"{username}@{domain}" if domain else None,
            )
            with trace.use(actor=system):
                user = await self._create_or_find(new)
            self._actors[username] = _actor(user.id, username, name, user.role)

    async def _create_or_find(self, new: identity.NewUser) -> identity.User:
        try:
            return await self._client.ask(identity.create_user, new)
        except Invalid:
            everybody = await self._client.ask(identity.list_users, limit=200)
            return next(user for user in everybody.items if user.username == new.username)

    async def _make_team(self) -> None:
        """The supervisor leads all advisors, since before the first call of the demo."""
        leader, advisors = self._actors["supervisor"], self._advisors()
        new = identity.NewTeam(name=TEAM, supervisor=leader.username)
        with trace.use(actor=self._actors["admin"], idempotency_key="demo-team"):
            team = await self._client.ask(identity.create_team, new)
        since = clock.today() - timedelta(days=TEAM_DAYS)
        for name in advisors:
            member = identity.NewMember(username=name, starts_on=since)
            with trace.use(actor=self._actors["admin"], idempotency_key=f"demo-member-{name}"):
                await self._client.ask(identity.add_member, team.id, member)
        team_of = {"team": frozenset(advisors)}
        self._actors[leader.username] = leader.model_copy(update=team_of)

    def _advisors(self) -> list[str]:
        return [name for name, actor in self._actors.items() if actor.role == "advisor"]

    async def _load_people(self) -> None:
        say("customers and their risk")
        people = list(customers.customers(CUSTOMERS, SEED))
        people_key = _store(customers.COLUMNS, people)
        risk_key = _store(risk.COLUMNS, risk.risk_rows(people, SEED))
        with trace.use(actor=self._actors["jefe"], idempotency_key="demo-customers"):
            job = await self._client.ask(
                customer_query.start_import,
                customer_query.NewImport(file_key=people_key, file_name="clientes-demo.csv"),
            )
        with trace.use(actor=self._actors["admin"], idempotency_key="demo-risk"):
            new = risk_central.NewLoad(file_key=risk_key, file_name="riesgos-demo.csv")
            load = await self._client.ask(risk_central.start_load, new)
        await self._until(
            lambda: self._client.ask(customer_query.get_import, job.id),
            lambda found: found.finished_at is not None,
        )
        await self._until(
            lambda: self._client.ask(risk_central.get_load, load.id),
            lambda found: found.finished_at is not None,
        )

    async def _campaign(self, new: campaign.NewCampaign, phase: Phase) -> int:
        say(f"campaign «{new.name}»")
        designs = await self._client.ask(mailer.list_designs)
        design = designs.items[0 if phase is Phase.EXECUTING else -1]
        today = clock.today()
        dated = new.model_copy(
            update={
                "design_id": design.id,
                "starts_on": today - timedelta(days=30),
                "ends_on": today + timedelta(days=60),
            }
        )
        with trace.use(actor=self._actors["jefe"], idempotency_key=f"demo-{new.name}"):
            created = await self._client.ask(campaign.create_campaign, dated)
        await self._until(
            lambda: self._client.ask(campaign.get_audience, created.id),
            lambda found: found.state is campaign.AudienceState.READY,
        )
        steps = (Phase.PLANNED, Phase.EXECUTING)[: 1 if phase is Phase.PLANNED else 2]
        await self._move(created.id, *steps)
        return created.id

    async def _move(self, campaign_id: int, *phases: Phase) -> None:
        for phase in phases:
            key = f"demo-{campaign_id}-{phase}"
            with trace.use(actor=self._actors["jefe"], idempotency_key=key):
                await self._client.ask(campaign.change_phase, campaign_id, phase)

    async def _mail(self, campaign_id: int) -> None:
        say(f"mails of campaign {campaign_id}")
        new = mailer.NewMailing(campaign_id=campaign_id)
        with trace.use(actor=self._actors["jefe"], idempotency_key=f"demo-mail-{campaign_id}"):
            mailing = await self._eventually(lambda: self._client.ask(mailer.create_mailing, new))
        await self._until(
            lambda: self._client.ask(mailer.get_mailing, mailing.id),
            lambda found: found.finished_at is not None,
        )

    async def _call(self, campaign_id: int, per_advisor: int, calls: int) -> None:
        say(f"calls of campaign {campaign_id}")
        advisors = self._advisors()
        new = telemarketing.NewAssignment(advisors=advisors, per_advisor=per_advisor)
        await self._until(
            lambda: self._client.ask(telemarketing.count_unassigned, campaign_id),
            lambda count: count > 0,
        )
        with trace.use(
            actor=self._actors["supervisor"], idempotency_key=f"demo-assign-{campaign_id}"
        ):
            await self._client.ask(telemarketing.assign_customers, campaign_id, new)
        await asyncio.gather(*(self._advise(name, calls) for name in advisors))

    async def _advise(self, username: str, calls: int) -> None:
        for number in range(calls):
            with trace.use(actor=self._actors[username]):
                lease = await self._client.ask(telemarketing.next_call)
                if lease is None:
                    return
                if number % 5 == 0:
                    await self._client.ask(
                        telemarketing.check_risk, lease.customer.customer_id, RiskPurpose.SALE
                    )
                await self._client.ask(telemarketing.record_call, self._result(lease))

    def _result(self, lease: telemarketing.Lease) -> telemarketing.NewCall:
        result = self._rng.choices(list(RESULTS), list(RESULTS.values()))[0]
        callback_at = None
        if result is CallResult.CALLBACK:
            days, minutes = self._rng.randint(1, 10), self._rng.randint(0, 16) * 30
            start = (
                clock.now()
                .astimezone(clock.GUAYAQUIL)
                .replace(hour=9, minute=0, second=0, microsecond=0)
            )
            callback_at = start + timedelta(days=days, minutes=minutes)
        return telemarketing.NewCall(
            lease_id=lease.lease_id, result=result, callback_at=callback_at
        )

    # --- waiting ---

    async def _eventually(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until the other room has heard of it; what it says last counts."""
        deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
        while True:
            try:
                return await ask()
            except PregonError:
                if asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(POLL_SECONDS)

    async def _until(self, ask: Callable[[], Awaitable[T]], done: Callable[[T], bool]) -> T:
        """Ask until it is so. Raises TimeoutError with the last answer."""
        deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
        while True:
            answer = await ask()
            if done(answer):
                return answer
            if asyncio.get_running_loop().time() > deadline:
                raise TimeoutError(f"still {answer}")
            await asyncio.sleep(POLL_SECONDS)


def _actor(user_id: int, username: str, full_name: str, role: str) -> Actor:
    """As identity tells of them while the roles are as they come."""
    return Actor(
        user_id=user_id,
        username=username,
        full_name=full_name,
        role=role,
        permissions=granted(identity.Role(role)),
    )


def _store(columns: Any, rows: Any) -> str:
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        write_rows(file.name, columns, rows, 0)
        with Path(file.name).open("rb") as stream:
            return files.put(stream, ".csv")


def say(step: str) -> None:
    """A line of progress."""
    print(f"  · {step}", file=sys.stderr, flush=True)


async def seed(users: dict[str, dict[str, str]], *, empty: bool) -> None:
    """Fill a product that runs."""
    client = Client()
    await client.start()
    try:
        seeder = Seeder(client)
        await (seeder.run_empty(users) if empty else seeder.run(users))
    finally:
        await client.stop()


def main() -> None:
    """Fill the product with the log-ins made for it, or given as `PREGON_ADMIN_PASSWORD`."""
    password = os.environ.get("PREGON_ADMIN_PASSWORD")
    users = (
        {"admin": {"password": password, "role": "admin"}}
        if password
        else credentials.read(Run.of(environment.given()))
    )
    asyncio.run(seed(users, empty="--empty" in sys.argv[1:]))


if __name__ == "__main__":
    main()
