"""The doors of customer_query."""

from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from services.customer_query import (
    announcements,
    profiles,
    reach,
    reveals,
    segment_sql,
    segment_store,
    segments,
    store,
)
from services.customer_query.import_doors import ImportDoors
from services.customer_query.news import News
from shared import audit, clock, edits, trace
from shared.contract import Page
from shared.contracts import customer_query as contract
from shared.contracts.audit import AuditAction, AuditKind
from shared.contracts.segments import parse
from shared.errors import Conflict, Invalid
from shared.keyset import Asked
from shared.lists import Done
from shared.many import for_each
from shared.rpc import command, query, query_recorded

_CUSTOMER, _LIST, _SEGMENT = AuditKind.CUSTOMER, AuditKind.CUSTOMERS, AuditKind.SEGMENT


class CustomerQueryService(ImportDoors, News):
    """The source of truth of people."""

    name = "customer_query"

    # --- profiles ---

    @query_recorded(contract.list_customers)
    def list_customers(
        self,
        session: Session,
        search: str | None = None,
        province: str | None = None,
        category: contract.Category | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[contract.CustomerRow]:
        whose = contract.list_customers.scope.whose(trace.actor())
        by_parts = contract.CustomerPermission.PERSONAL in trace.actor().permissions
        wanted = store.Wanted(search, province, category, by_parts=by_parts)
        found = store.list_customers(session, wanted, whose, after, limit)
        audit.record_list(session, _LIST, [row.id for row in found.rows], search=search)
        return Page.cut(found, contract.CustomerRow.model_validate)

    @query_recorded(contract.get_customer)
    def get_customer(self, session: Session, customer_id: int) -> contract.Customer:
        whose = contract.get_customer.scope.whose(trace.actor())
        customer = store.get_customer(session, customer_id, whose)
        audit.record(session, AuditAction.PROFILE_SEEN, _CUSTOMER, customer_id)
        return contract.Customer.model_validate(customer)

    @query_recorded(contract.reveal_customer)
    def reveal_customer(
        self, session: Session, customer_id: int, fields: list[contract.PersonalField]
    ) -> contract.Revealed:
        """A view of these fields, on record; counted, but for who sees them anyway."""
        actor = trace.actor()
        reveals.check(actor)
        whose = contract.reveal_customer.scope.whose(actor)
        customer = store.get_customer(session, customer_id, whose)
        reveals.count(session, actor, customer_id)
        audit.record(session, AuditAction.REVEALED, _CUSTOMER, customer_id, fields=set(fields))
        return reveals.values_of(customer, fields)

    @command(contract.find_customer)
    def find_customer(
        self, session: Session, number: str, occasion: contract.Occasion
    ) -> contract.Customer:
        """Who it was opened to stands on the time line."""
        customer = store.find_by_number(session, number)
        reach.open_profile(session, trace.actor().username, customer.id)
        title, kind = "Ficha abierta sin ser de su lista", contract.TimelineKind.PROFILE
        self._note(session, customer.id, kind, title, occasion.word)
        what = (AuditAction.OPENED, _CUSTOMER, customer.id)
        audit.record(session, *what, purpose=occasion.word, after={"search": number})
        return contract.Customer.model_validate(customer)

    @command(contract.create_customer)
    def create_customer(self, session: Session, new: contract.NewCustomer) -> contract.Customer:
        """Consents that are given are written to the ledger."""
        values = profiles.check(new.model_dump(), clock.today())
        customer = store.insert_customer(session, store.new_values(values))
        self._note_consents(session, customer.id, {}, values)
        audit.record(session, AuditAction.CREATED, _CUSTOMER, customer.id, after=values)
        return contract.Customer.model_validate(customer)

    @command(contract.update_customer)
    def update_customer(
        self, session: Session, customer_id: int, change: contract.CustomerChange
    ) -> contract.Customer:
        """Only what was sent changes; what may be contacted is announced when it does."""
        whose = contract.update_customer.scope.whose(trace.actor())
        customer = store.get_customer(session, customer_id, whose, lock=True)
        if customer.erased_at is not None:
            raise Conflict("Los datos de este cliente fueron eliminados.")
        edits.refuse_stale(change.version, customer, thing="esta ficha", again="abrirla")
        before = contract.Customer.model_validate(customer).model_dump()
        values = profiles.complete_change(before, change.sent(), clock.today())
        if not values:
            return contract.Customer.model_validate(customer)
        customer = store.set_customer(session, customer_id, values)
        self._note_consents(session, customer_id, before, values)
        what = (AuditAction.CHANGED, _CUSTOMER, customer_id)
        audit.record(session, *what, before=before, after=values)
        if profiles.CONTACT_FIELDS & values.keys():
            announcements.announce_contact_states(session, [customer_id])
        self._note(session, customer_id, contract.TimelineKind.PROFILE, "Datos actualizados", "")
        return contract.Customer.model_validate(customer)

    @command(contract.erase_customer)
    def erase_customer(self, session: Session, customer_id: int, reason: str) -> None:
        """The person is blanked here now and in the other rooms by the event."""
        if not reason.strip():
            raise Invalid.field("reason", "Escriba el motivo.")
        whose = contract.erase_customer.scope.whose(trace.actor())
        customer = store.get_customer(session, customer_id, whose, lock=True)
        announcements.confirm_erasure(session, customer)
        store.erase_customer(session, customer_id)
        self._note(
            session, customer_id, contract.TimelineKind.PROFILE, "Datos eliminados", reason.strip()
        )
        audit.record(session, AuditAction.ERASED, _CUSTOMER, customer_id, purpose=reason.strip())
        announcements.announce_erased(session, [customer_id])

    @query_recorded(contract.list_timeline)
    def list_timeline(
        self, session: Session, customer_id: int, after: str | None = None, limit: int = 50
    ) -> Page[contract.TimelineEntry]:
        whose = contract.list_timeline.scope.whose(trace.actor())
        store.get_customer(session, customer_id, whose)
        audit.record(session, AuditAction.TIMELINE_SEEN, _CUSTOMER, customer_id)
        found = store.list_timeline(session, customer_id, after, limit)
        return Page.cut(found, contract.TimelineEntry.model_validate)

    @query_recorded(contract.get_personal_data)
    def get_personal_data(self, session: Session, customer_id: int) -> contract.PersonalData:
        """The time line as far as a page of it goes: the newest thousand entries."""
        whose = contract.get_personal_data.scope.whose(trace.actor())
        customer = store.get_customer(session, customer_id, whose)
        if contract.CustomerPermission.REVEAL in (actor := trace.actor()).permissions:
            reveals.count(session, actor, customer_id)
        audit.record(session, AuditAction.PERSONAL_DATA_SEEN, _CUSTOMER, customer_id)
        return contract.PersonalData.model_validate(
            {
                "customer": customer,
                "consents": store.list_consents(session, customer_id),
                "timeline": store.list_timeline(session, customer_id, None, 1000).rows,
                "campaigns": store.list_campaigns_of(session, customer_id),
            }
        )

    # --- segments ---

    @query(contract.count_segment)
    def count_segment(
        self, session: Session, definition: contract.Definition
    ) -> contract.SegmentCount:
        return segment_sql.count(session, definition)

    @query(contract.describe_segment)
    def describe_segment(
        self,
        session: Session,  # noqa: ARG002  # every query is given one
        definition: contract.Definition,
    ) -> str:
        return segments.describe(definition)

    @query(contract.list_segments)
    def list_segments(
        self,
        session: Session,
        search: str | None = None,
        order: str = "name",
        after: str | None = None,
        limit: int = 50,
        *,
        count: bool = False,
    ) -> Page[contract.Segment]:
        found = segment_store.list_segments(session, search, Asked(order, after, limit, count))
        return Page.cut(found, contract.Segment.model_validate)

    @query(contract.get_segment)
    def get_segment(self, session: Session, segment_id: int) -> contract.Segment:
        return contract.Segment.model_validate(segment_store.get_segment(session, segment_id))

    @command(contract.create_segment)
    def create_segment(self, session: Session, new: contract.NewSegment) -> contract.Segment:
        summary = segments.describe(new.definition)
        by = trace.actor().username
        segment = segment_store.insert_segment(session, new, summary, by)
        made = {"name": segment.name, "summary": summary}
        audit.record(session, AuditAction.CREATED, _SEGMENT, segment.id, after=made)
        return contract.Segment.model_validate(segment)

    @command(contract.update_segment)
    def update_segment(
        self, session: Session, segment_id: int, change: contract.SegmentChange
    ) -> contract.Segment:
        """The version before is kept; what is sent as it already is makes no new one."""
        segment = segment_store.get_segment(session, segment_id, lock=True)
        edits.refuse_stale(change.version, segment, thing="este segmento", again="abrirlo")
        values = {
            name: value for name, value in change.sent().items() if value != getattr(segment, name)
        }
        if "definition" in values:
            values["summary"] = segments.describe(parse(values["definition"]))
        if values:
            by, before = trace.actor().username, {name: getattr(segment, name) for name in values}
            what = (AuditAction.CHANGED, _SEGMENT, segment_id)
            audit.record(session, *what, before=before, after=values)
            segment = segment_store.set_segment(session, segment, values, by)
        return contract.Segment.model_validate(segment)

    @command(contract.delete_segment)
    def delete_segment(self, session: Session, segment_id: int) -> None:
        _delete_segment(session, segment_id)

    @command(contract.delete_segments)
    def delete_segments(self, session: Session, segment_ids: list[int]) -> Done:
        name = partial(segment_store.name_segment, session)
        return for_each(session, segment_ids, partial(_delete_segment, session), name)

    # --- parts of several doors ---

    def _note_consents(
        self,
        session: Session,
        customer_id: int,
        before: dict[str, Any],
        values: dict[str, Any],
    ) -> None:
        by = trace.actor().username
        store.insert_consents(
            session,
            [
                {
                    "customer_id": customer_id,
                    "channel": channel,
                    "given": values[f"consent_{channel}"],
                    "how": "ficha del cliente",
                    "by": by,
                }
                for channel in contract.Channel
                if values.get(f"consent_{channel}", False)
                != before.get(f"consent_{channel}", False)
                and f"consent_{channel}" in values
            ],
        )

    def _note(
        self,
        session: Session,
        customer_id: int,
        kind: contract.TimelineKind,
        title: str,
        detail: str,
    ) -> None:
        by = trace.actor().username
        store.insert_timeline(
            session,
            [
                {
                    "customer_id": customer_id,
                    "kind": kind,
                    "title": title,
                    "detail": detail,
                    "by": by,
                    "at": clock.now(),
                }
            ],
        )


def _delete_segment(session: Session, segment_id: int) -> None:
    segment_store.delete_segment(session, segment_id)
    audit.record(session, AuditAction.DELETED, _SEGMENT, segment_id)
