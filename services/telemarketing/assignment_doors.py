"""The doors of telemarketing on who has whom."""

from collections.abc import Collection, Iterator
from typing import Any
from uuid import uuid4

from sqlalchemy.orm import Session

from services.telemarketing import assignments, call_lists, campaigns, handovers, moves, rules
from services.telemarketing.models import Campaign
from services.telemarketing.reach import check_reach, visible
from shared import audit, clock, notices, trace
from shared.contract import Page, Procedure
from shared.contracts import identity
from shared.contracts import telemarketing as contract
from shared.contracts.audit import AuditAction, AuditKind
from shared.contracts.campaign import Phase
from shared.contracts.identity import UserState
from shared.contracts.telemarketing import CallPermission
from shared.ecuador.money import format_number
from shared.errors import Conflict, Invalid, NotFound
from shared.room import Room
from shared.rpc import command, command_after, query, rpc


class AssignmentDoors(Room):
    """Sharing out, taking back, and what goes on to others."""

    def _find_advisors(
        self,
        campaign_id: int,  # noqa: ARG002  # asked before the door, with its arguments
        new: contract.NewAssignment,
    ) -> list[str]:
        """Each once, as identity knows them. Raises Invalid."""
        known = self._advisors_of(contract.assign_customers)
        return _choose(new.advisors, known)

    @command_after(_find_advisors, contract.assign_customers)
    def assign_customers(
        self,
        session: Session,
        advisors: list[str],
        campaign_id: int,
        new: contract.NewAssignment,
    ) -> contract.Assigned:
        """The campaign's lock makes assignments of one campaign follow each other."""
        found = campaigns.get_campaign(session, campaign_id, lock=True)
        _check_assignable(found)
        shares = rules.plan_shares(
            new.strategy,
            new.per_advisor,
            assignments.count_open(session, campaign_id, advisors),
            assignments.count_unassigned_by_province(session, campaign_id),
        )
        given = dict.fromkeys(advisors, 0)
        now = clock.now()
        for share in shares:
            people = assignments.give(session, campaign_id, share)
            moves.announce(session, campaign_id, share.advisor, people, now, given=True)
            given[share.advisor] += len(people)
        left = assignments.count_unassigned(session, campaign_id)
        audit.record(session, AuditAction.ASSIGNED, AuditKind.CAMPAIGN, campaign_id, after=given)
        return contract.Assigned(by_advisor=given, left=left)

    def _advisors_of(self, procedure: Procedure[..., Any]) -> set[str]:
        """Those to whom the actor may give people."""
        known, whose = self._advisors(), procedure.scope.whose(trace.actor())
        return known if whose is None else known & whose

    def _advisors(self) -> set[str]:
        return {user.username for user in self._list_callers() if user.state is UserState.ACTIVE}

    def _list_callers(self) -> Iterator[identity.User]:
        """Who may call, also of those who are not there any more."""
        after: str | None = None
        while True:
            page = self.ask(
                identity.list_users, permission=CallPermission.WORK, after=after, limit=200
            )
            yield from page.items
            if (after := page.next) is None:
                return

    @command(contract.take_back)
    def take_back(self, session: Session, campaign_id: int, advisor: str) -> contract.Freed:
        """A person who is being spoken to stays until the result."""
        campaigns.get_campaign(session, campaign_id, lock=True)
        check_reach(contract.take_back, advisor)
        freed = assignments.take_back(session, campaign_id, advisor, now := clock.now())
        moves.announce(session, campaign_id, advisor, freed, now, given=False)
        what = (AuditAction.TAKEN_BACK, AuditKind.CAMPAIGN, campaign_id)
        audit.record(session, *what, before={"advisor": advisor}, after={"advisor": None})
        return contract.Freed(freed=len(freed))

    # --- work that goes on to others ---

    @rpc(contract.list_open_work)
    def list_open_work(self) -> list[contract.OpenWork]:
        """Asks identity first, who still calls: no transaction waits for it."""
        names = {user.username: user for user in self._list_callers()}
        here = {name for name, user in names.items() if user.state is UserState.ACTIVE}
        whose = contract.list_open_work.scope.whose(trace.actor())
        with self.db() as session:
            gone = handovers.list_holders(session) - here
            found = handovers.list_open_work(session, gone if whose is None else gone & whose)
        return [
            contract.OpenWork(
                full_name=names[row.advisor].full_name if row.advisor in names else row.advisor,
                **row._mapping,
            )
            for row in found
        ]

    def _find_holders(self, advisor: str, new: contract.NewHolders) -> list[str]:
        """Who gets it, each once. Raises NotFound, Invalid."""
        check_reach(contract.hand_over, advisor)
        chosen = _choose(new.advisors, self._advisors_of(contract.hand_over))
        if advisor in chosen:
            raise Invalid.field("advisors", f"«{advisor}» es quien entrega: elija a otros.")
        return chosen

    @command_after(_find_holders, contract.hand_over)
    def hand_over(
        self,
        session: Session,
        holders: list[str],
        advisor: str,
        new: contract.NewHolders,  # noqa: ARG002  # asked before the door, with its arguments
    ) -> contract.HandedOver:
        """Each who gets somebody, and the room that shows people, are told."""
        given, now = dict.fromkeys(holders, 0), clock.now()
        for (campaign_id, holder), people in handovers.hand_over(
            session, advisor, holders, now
        ).items():
            moves.announce(session, campaign_id, advisor, people, now, given=False)
            moves.announce(session, campaign_id, holder, people, now, given=True)
            given[holder] += len(people)
        self._tell(session, advisor, given)
        what = (AuditAction.HANDED_OVER, AuditKind.USER, advisor)
        audit.record(session, *what, before={"advisor": advisor}, after=given)
        return contract.HandedOver(by_advisor=given, left=handovers.count_open(session, advisor))

    @staticmethod
    def _tell(session: Session, advisor: str, given: dict[str, int]) -> None:
        for holder, count in given.items():
            if count:
                reference = f"hand_over {uuid4()}"
                people = "1 cliente" if count == 1 else f"{format_number(count)} clientes"
                title = f"Recibió {people} por llamar de {advisor}."
                notices.send(session, holder, reference, title, link="/llamadas")

    @query(contract.list_assignments)
    def list_assignments(
        self,
        session: Session,
        campaign_id: int | None = None,
        advisor: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[contract.Assignment]:
        advisors = visible(contract.list_assignments, advisor)
        found = assignments.list_assignments(session, campaign_id, advisors, after, limit)
        return Page.cut(found, contract.Assignment.model_validate)

    @query(contract.count_unassigned)
    def count_unassigned(self, session: Session, campaign_id: int) -> int:
        """0 also for a campaign whose call list is not here yet."""
        return assignments.count_unassigned(session, campaign_id)

    @command(contract.request_call_list)
    def request_call_list(self, session: Session, campaign_id: int) -> contract.CallList:
        """Asks campaign (`CallListRequested`)."""
        found = campaigns.get_campaign(session, campaign_id, lock=True)
        call_lists.check_can_request(session, found)
        return contract.CallList.model_validate(call_lists.insert_call_list(session, found))

    @query(contract.get_call_list)
    def get_call_list(self, session: Session, campaign_id: int) -> contract.CallList:
        found = call_lists.find_newest(session, campaign_id)
        if found is None:
            raise NotFound("La campaña todavía no tiene lista de llamadas.")
        return contract.CallList.model_validate(found)


def _choose(usernames: list[str], known: Collection[str]) -> list[str]:
    """Each once. Raises Invalid naming who is none of them."""
    for username in usernames:
        if username not in known:
            raise Invalid.field("advisors", f"«{username}» no es un asesor activo.")
    return list(dict.fromkeys(usernames))


def _check_assignable(found: Campaign) -> None:
    if found.phase != Phase.EXECUTING:
        raise Conflict("Solo se asignan clientes de una campaña en ejecución.")
    if found.listed_at is None:
        raise Conflict("La lista de llamadas de la campaña aún no está lista. Espere un momento.")
