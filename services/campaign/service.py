"""The doors of campaign."""

from typing import Any

from sqlalchemy.orm import Session

from services.campaign import (
    audience,
    rules,
    statistics,
    store,
)
from services.campaign.models import Campaign
from services.campaign.news import News
from shared import audit, edits, exports, outbox, trace
from shared.contract import Page
from shared.contracts import campaign as contract
from shared.contracts import customer_query, mailer
from shared.contracts.audit import AuditAction, AuditKind
from shared.contracts.campaign import AudienceState, Phase
from shared.contracts.customer_query import Channel
from shared.contracts.exports import ExportWhy
from shared.contracts.segments import dump
from shared.errors import Conflict, Invalid
from shared.keyset import Asked
from shared.rpc import command, command_after, query, query_recorded

_CAMPAIGN = AuditKind.CAMPAIGN


class CampaignService(News):
    """Campaigns, their phases, their audience and their statistics."""

    name = "campaign"

    # --- campaigns ---

    def _find_segment(self, new: contract.NewCampaign) -> tuple[customer_query.Definition, str]:
        """What customer_query says of the segment; the design is asked for, too."""
        rules.check_dates(new.starts_on, new.ends_on)
        self._check_design(new.design_id)
        return self._resolve_segment(new)

    @command_after(_find_segment, contract.create_campaign)
    def create_campaign(
        self,
        session: Session,
        segment: tuple[customer_query.Definition, str],
        new: contract.NewCampaign,
    ) -> contract.Campaign:
        values = new.model_dump(exclude={"segment_id"}) | {
            "definition": dump(segment[0]),
            "segment_summary": segment[1],
            "phase": Phase.DRAFT,
            "owner": trace.actor().username,
        }
        campaign = store.insert_campaign(session, values)
        store.insert_phase_change(session, campaign.id, campaign.owner, None, Phase.DRAFT, "")
        audience.request(session, campaign)
        audit.record(session, AuditAction.CREATED, _CAMPAIGN, campaign.id, after=values)
        self._announce(session, campaign)
        return self._to_contract(session, campaign)

    def _describe_change(
        self,
        campaign_id: int,  # noqa: ARG002  # asked before the door, with its arguments
        change: contract.CampaignChange,
    ) -> dict[str, str]:
        """The sentence of a new definition; the design is asked for, too."""
        sent = change.sent()
        self._check_design(sent.get("design_id"))
        if "definition" not in sent:
            return {}
        return {"segment_summary": self.ask(customer_query.describe_segment, sent["definition"])}

    @command_after(_describe_change, contract.update_campaign)
    def update_campaign(
        self,
        session: Session,
        described: dict[str, str],
        campaign_id: int,
        change: contract.CampaignChange,
    ) -> contract.Campaign:
        """What is sent as it already is changes nothing."""
        sent = change.sent()
        campaign = store.get_campaign(session, campaign_id, lock=True)
        edits.refuse_stale(
            change.version,
            campaign,
            thing="esta campaña",
            again="abrirla",
            last=campaign.changed_version,
        )
        values = rules.differing({name: getattr(campaign, name) for name in sent}, sent)
        rules.check_editable(campaign.phase, values.keys())
        if values:
            campaign = self._change(session, campaign_id, values, described)
        return self._to_contract(session, campaign)

    def _change(
        self, session: Session, campaign_id: int, values: dict[str, Any], described: dict[str, str]
    ) -> Campaign:
        """A changed definition transfers the audience anew."""
        redefined = "definition" in values
        before = vars(store.get_campaign(session, campaign_id)).copy()
        audit.record(
            session, AuditAction.CHANGED, _CAMPAIGN, campaign_id, before=before, after=values
        )
        campaign = store.set_values(session, campaign_id, values | (described if redefined else {}))
        rules.check_dates(campaign.starts_on, campaign.ends_on)
        if redefined:
            audience.request(session, campaign)
        self._announce(session, campaign)
        return campaign

    @query(contract.list_campaigns)
    def list_campaigns(
        self,
        session: Session,
        phase: Phase | None = None,
        search: str | None = None,
        channel: Channel | None = None,
        order: str = "-id",
        after: str | None = None,
        limit: int = 50,
        *,
        count: bool = False,
    ) -> Page[contract.CampaignRow]:
        asked = Asked(order, after, limit, count)
        found = store.list_campaigns(session, phase, search, channel, asked)
        return Page.cut(found, contract.CampaignRow.model_validate)

    @query(contract.get_campaign)
    def get_campaign(self, session: Session, campaign_id: int) -> contract.Campaign:
        return self._to_contract(session, store.get_campaign(session, campaign_id))

    @command(contract.change_phase)
    def change_phase(
        self, session: Session, campaign_id: int, phase: Phase, reason: str = ""
    ) -> contract.Campaign:
        """The guards see the campaign under lock."""
        campaign = store.get_campaign(session, campaign_id, lock=True)
        status = audience.get_status(session, campaign_id)
        plan = rules.Plan(
            phase=campaign.phase,
            channels=frozenset(campaign.channels),
            budget=campaign.budget,
            starts_on=campaign.starts_on,
            ends_on=campaign.ends_on,
            design_id=campaign.design_id,
            audience_state=status.state,
            audience=status.transferred,
        )
        rules.check_phase_change(plan, phase, reason)
        by = trace.actor().username
        store.insert_phase_change(session, campaign_id, by, campaign.phase, phase, reason)
        before, after = {"phase": campaign.phase}, {"phase": phase}
        what = (AuditAction.PHASE_CHANGED, _CAMPAIGN, campaign_id)
        audit.record(session, *what, purpose=reason, before=before, after=after)
        campaign = store.set_values(session, campaign_id, {"phase": phase})
        self._announce(session, campaign)
        return self._to_contract(session, campaign)

    @query(contract.list_phase_changes)
    def list_phase_changes(self, session: Session, campaign_id: int) -> list[contract.PhaseChange]:
        store.get_campaign(session, campaign_id)
        changes = store.list_phase_changes(session, campaign_id)
        return [contract.PhaseChange.model_validate(change) for change in changes]

    # --- audience ---

    @command(contract.request_audience)
    def request_audience(self, session: Session, campaign_id: int) -> contract.Audience:
        """While a transfer runs it is that one's state, so asking twice does nothing more."""
        campaign = store.get_campaign(session, campaign_id, lock=True)
        if not rules.NEXT[campaign.phase]:
            raise Conflict("La campaña ya terminó: su público no cambia.")
        status = audience.get_status(session, campaign_id)
        if status.state is not AudienceState.TRANSFERRING:
            audit.record(session, AuditAction.STARTED, AuditKind.AUDIENCE, campaign_id)
            audience.request(session, campaign)
            status = audience.get_status(session, campaign_id)
        return status

    @query(contract.get_audience)
    def get_audience(self, session: Session, campaign_id: int) -> contract.Audience:
        store.get_campaign(session, campaign_id)
        return audience.get_status(session, campaign_id)

    @query_recorded(contract.list_members)
    def list_members(
        self,
        session: Session,
        campaign_id: int,
        search: str | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[contract.Member]:
        """Of the present edition; nobody while the first one is on its way."""
        contract.list_members.scope.require_all(trace.actor())
        campaign = store.get_campaign(session, campaign_id)
        if campaign.audience_id is None:
            return Page(items=[])
        found = audience.list_members(session, campaign.audience_id, search, after, limit)
        seen = [row.customer_id for row in found.rows]
        audit.record_list(session, AuditKind.MEMBERS, seen, campaign_id, search=search)
        return Page.cut(found, contract.Member.model_validate)

    # --- statistics ---

    @query(contract.get_statistics)
    def get_statistics(self, session: Session, campaign_id: int) -> contract.CampaignStatistics:
        """Seven statements, each on an index of the campaign."""
        campaign = store.get_campaign(session, campaign_id)
        by_result = statistics.count_by_result(session, campaign_id)
        contacted, accepted = statistics.count_people(session, campaign_id)
        return contract.CampaignStatistics(
            campaign_id=campaign_id,
            calls=sum(item.count for item in by_result),
            by_result=by_result,
            by_day=statistics.count_by_day(session, campaign_id),
            by_advisor=statistics.count_by_advisor(session, campaign_id),
            by_province=statistics.count_by_province(session, campaign_id),
            mail=statistics.count_mails(session, campaign_id),
            contacted=contacted,
            accepted=accepted,
            cost_per_contact=rules.cost_per(campaign.budget, contacted),
            cost_per_sale=rules.cost_per(campaign.budget, accepted),
        )

    @query_recorded(contract.get_repeated_customers)
    def get_repeated_customers(
        self, session: Session, after: str | None = None, limit: int = 50
    ) -> contract.RepeatedCustomers:
        if contract.get_repeated_customers.scope.whose(trace.actor()) is None:
            return _list_repeated(session, after, limit)
        figures = statistics.repeated_customers(session, None, 1)
        return figures.model_copy(update={"customers": [], "next": None})

    @query_recorded(contract.export_repeated_customers)
    def export_repeated_customers(
        self,
        session: Session,
        why: ExportWhy | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> contract.RepeatedCustomers:
        contract.export_repeated_customers.scope.require_all(trace.actor())
        exports.check(why, trace.actor())
        found = _list_repeated(session, after, limit, why.told if why else "")
        return exports.shown(found, why)

    @query(contract.list_by_budget)
    def list_by_budget(self, session: Session) -> list[contract.CampaignFigures]:
        return statistics.list_by_budget(session)

    @query(contract.list_by_age)
    def list_by_age(
        self, session: Session, campaign_id: int | None = None
    ) -> list[contract.GroupFigures]:
        return statistics.count_by_age(session, campaign_id)

    @query(contract.list_by_gender)
    def list_by_gender(
        self, session: Session, campaign_id: int | None = None
    ) -> list[contract.GroupFigures]:
        return statistics.count_by_gender(session, campaign_id)

    @query(contract.list_by_province)
    def list_by_province(
        self, session: Session, campaign_id: int | None = None
    ) -> list[contract.ProvinceFigures]:
        return statistics.count_by_province(session, campaign_id)

    # --- parts of several doors ---

    def _resolve_segment(self, new: contract.NewCampaign) -> tuple[customer_query.Definition, str]:
        if (new.definition is None) == (new.segment_id is None):
            raise Invalid.field("definition", "Elija un segmento guardado o defina uno.")
        if new.segment_id is not None:
            saved = self.ask(customer_query.get_segment, new.segment_id)
            return saved.definition, saved.summary
        assert new.definition is not None  # noqa: S101  # one of the two was given
        return new.definition, self.ask(customer_query.describe_segment, new.definition)

    def _check_design(self, design_id: int | None) -> None:
        if design_id is not None:
            self.ask(mailer.get_design, design_id)

    def _announce(self, session: Session, campaign: Campaign) -> None:
        outbox.add(
            session,
            contract.CampaignChanged(campaign=store.brief(campaign), version=campaign.version),
        )

    def _to_contract(self, session: Session, campaign: Campaign) -> contract.Campaign:
        shown = contract.Campaign.model_fields.keys() - {"audience", "next_phases"}
        return contract.Campaign(
            **{name: getattr(campaign, name) for name in shown},
            next_phases=list(rules.NEXT[campaign.phase]),
            audience=audience.get_status(session, campaign.id),
        )


def _list_repeated(
    session: Session, after: str | None, limit: int, purpose: str = ""
) -> contract.RepeatedCustomers:
    found = statistics.repeated_customers(session, after, limit)
    seen = [customer.customer_id for customer in found.customers]
    audit.record_list(session, AuditKind.CUSTOMERS, seen, purpose=purpose)
    return found
