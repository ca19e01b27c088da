"""The doors of identity for teams."""

from datetime import date

from sqlalchemy.orm import Session

from services.identity import teams
from shared import audit, edits, trace
from shared.contract import Page
from shared.contracts import identity as contract
from shared.contracts.audit import AuditAction, AuditKind
from shared.room import Room
from shared.rpc import command, query


class TeamDoors(Room):
    """Who leads whom; `get_session` tells each supervisor's requests whom they lead today."""

    @query(contract.list_teams)
    def list_teams(
        self, session: Session, after: str | None = None, limit: int = 50
    ) -> Page[contract.TeamRow]:
        return Page.cut(teams.list_teams(session, after, limit), teams.to_row)

    @query(contract.get_team)
    def get_team(self, session: Session, team_id: int) -> contract.Team:
        return teams.show(session, teams.get_team(session, team_id))

    @command(contract.create_team)
    def create_team(self, session: Session, new: contract.NewTeam) -> contract.Team:
        team = teams.insert_team(session, new)
        made = new.model_dump(mode="json")
        audit.record(session, AuditAction.CREATED, AuditKind.TEAM, team.id, after=made)
        return teams.show(session, team)

    @command(contract.update_team)
    def update_team(
        self, session: Session, team_id: int, change: contract.TeamChange
    ) -> contract.Team:
        team = teams.get_team(session, team_id, lock=True)
        edits.refuse_stale(change.version, team, thing="este equipo", again="abrirlo")
        if sent := change.sent():
            before, what = vars(team).copy(), (AuditAction.CHANGED, AuditKind.TEAM, team_id)
            audit.record(session, *what, before=before, after=sent)
            team = teams.set_team(session, team, sent)
        return teams.show(session, team)

    @command(contract.add_member)
    def add_member(
        self, session: Session, team_id: int, new: contract.NewMember
    ) -> contract.Member:
        team = teams.get_team(session, team_id, lock=True)
        joined = {"joined": new.model_dump_json()}
        audit.record(session, AuditAction.CHANGED, AuditKind.TEAM, team_id, after=joined)
        return teams.insert_member(session, team, new, trace.actor().full_name)

    @command(contract.end_member)
    def end_member(
        self, session: Session, team_id: int, member_id: int, ends_on: date
    ) -> contract.Member:
        left = {"member": member_id, "ends_on": ends_on}
        audit.record(session, AuditAction.CHANGED, AuditKind.TEAM, team_id, after=left)
        by = trace.actor().full_name
        return teams.end_member(session, team_id, member_id, ends_on, by)
