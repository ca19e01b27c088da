"""Faults in what is shown of a person."""

from tests.mutants.mutant import Mutant

UNIT = "tests/unit/shared/test_personal.py"
PEOPLE = "tests/rooms/customer_query/test_masks.py"
RECIPIENTS = "tests/rooms/mailer/test_masks.py"
PAGES = "tests/unit/gateway/test_masks.py"

MUTANTS = [
    Mutant(
        "a_reply_is_not_masked",
        "shared/rpc.py",
        "        return procedure.shown(door(self, *args, **kwargs), trace.find_actor())\n",
        "        return door(self, *args, **kwargs)\n",
        (PEOPLE,),
    ),
    Mutant(
        "pages_are_not_looked_through",
        "shared/personal.py",
        "    if isinstance(kind, TypeVar):  # of a page that does not say of what it is\n"
        "        return True\n",
        "",
        (UNIT,),
    ),
    Mutant(
        "short_values_show_all",
        "shared/personal.py",
        " if hidden >= _LEAST else NOTHING",
        "",
        (UNIT,),
    ),
    Mutant(
        "a_contract_forgets_a_mark",
        "shared/contracts/campaign.py",
        "    email: Annotated[str | None, MAIL]\n",
        "    email: str | None\n",
        (UNIT,),
    ),
    Mutant(
        "hidden_digits_are_found_by_searching",
        "services/customer_query/store.py",
        "(begins if by_parts else Customer.cedula == digits)",
        "begins",
        (PEOPLE,),
    ),
    Mutant(
        "what_is_shown_whole_is_off_the_record",
        "services/customer_query/service.py",
        "        audit.record(session, AuditAction.REVEALED, _CUSTOMER, customer_id, "
        "fields=set(fields))\n",
        "",
        (PEOPLE,),
    ),
    Mutant(
        "people_are_collected_one_by_one",
        "services/customer_query/reveals.py",
        "    if len(seen) >= MOST_PEOPLE:",
        "    if len(seen) > MOST_PEOPLE:",
        (PEOPLE,),
    ),
    Mutant(
        "the_document_of_personal_data_is_not_counted",
        "services/customer_query/service.py",
        "            reveals.count(session, actor, customer_id)\n"
        "        audit.record(session, AuditAction.PERSONAL_DATA_SEEN",
        "            pass\n        audit.record(session, AuditAction.PERSONAL_DATA_SEEN",
        (PEOPLE,),
    ),
    Mutant(
        "a_masked_value_becomes_data",
        "services/customer_query/profiles.py",
        "    if HIDDEN in str(value):",
        "    if False:",
        (PEOPLE,),
    ),
    Mutant(
        "a_reason_stands_for_the_permission",
        "shared/exports.py",
        "    if CustomerPermission.EXPORT not in asker.permissions:",
        "    if False:",
        (RECIPIENTS, PAGES),
    ),
    Mutant(
        "a_file_without_a_reason_is_whole",
        "shared/exports.py",
        "    return personal.hide(reply) if why is None else reply",
        "    return reply",
        (RECIPIENTS,),
    ),
    Mutant(
        "rejected_rows_go_to_anybody_whole",
        "services/gateway/rejects.py",
        "    if why or job.created_by == ask.username:",
        "    if True:",
        (PAGES,),
    ),
    Mutant(
        "another_reason_of_a_page_is_none_at_all",
        "services/gateway/reasons.py",
        "    why.check()\n    return why",
        "    return why",
        (
            "tests/unit/gateway/test_masks.py"
            "::test_a_reason_that_is_none_is_told_at_its_field_with_what_was_typed",
        ),
    ),
]
