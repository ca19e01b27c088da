"""Faults in links by mail: good twice, for too long, for others; and in what they tell."""

from tests.mutants.mutant import Mutant

ROOM = "tests/rooms/identity/test_password_links.py"
FORGOTTEN = "tests/jobs/mailer/test_letters_forgotten.py"
INVITATIONS = "tests/rooms/identity/test_invitations.py"
PAGES = "tests/unit/gateway/test_password_links.py"
LINKS = "services/identity/password_links.py"
DOORS = "services/identity/password_link_doors.py"
STORE = "services/identity/store.py"

MUTANTS = [
    Mutant(
        "a_link_by_mail_is_good_twice",
        LINKS,
        "    good = update(PasswordLink).where(PasswordLink.id == link_id, IS_OPEN)",
        "    good = update(PasswordLink).where(PasswordLink.id == link_id)",
        (f"{ROOM}::test_a_link_is_good_once_also_for_two_at_once",),
    ),
    Mutant(
        "a_link_by_mail_is_used_after_its_time",
        LINKS,
        "    used = good.where(PasswordLink.expires_at > now).values(used_at=now)",
        "    used = good.values(used_at=now)",
        (f"{ROOM}::test_a_link_that_expires_between_form_and_use_is_not_taken",),
    ),
    Mutant(
        "a_later_link_leaves_the_one_before",
        LINKS,
        "    store.void_links(session, user.id, but=link_id)\n",
        "",
        (f"{ROOM}::test_a_later_link_ends_the_one_before",),
    ),
    Mutant(
        "a_link_outlives_the_mail_address",
        STORE,
        '_VOIDS_LINKS = {"password_hash", "email", "active", "ends_on"}',
        '_VOIDS_LINKS = {"password_hash", "active", "ends_on"}',
        (f"{ROOM}::test_another_password_mail_or_state_ends_a_link",),
    ),
    Mutant(
        "a_diverted_letter_holds_the_users_link",
        "shared/mail_links.py",
        'f"{seed} {address}".encode()',
        "seed.encode()",
        (f"{ROOM}::test_a_letter_to_another_address_holds_another_link",),
    ),
    Mutant(
        "the_link_itself_is_kept",
        LINKS,
        "        hash=mail_links.fingerprint(mail_links.word(seed, address)),",
        "        hash=mail_links.word(seed, address),",
        (f"{ROOM}::test_no_table_and_no_message_holds_the_link",),
    ),
    Mutant(
        "for_nobody_no_job_is_made",
        DOORS,
        'outbox.add_job(session, "identity.send_reset_link", user_id',
        'user and outbox.add_job(session, "identity.send_reset_link", user_id',
        (f"{ROOM}::test_it_costs_the_same_statements_for_everybody",),
    ),
    Mutant(
        "sessions_outlive_a_forgotten_password",
        DOORS,
        "        sessions.end_all(self.redis, opened.user_id)\n",
        "",
        (f"{ROOM}::test_a_forgotten_password_is_replaced_by_the_link_of_the_mail",),
    ),
    Mutant(
        "a_mailbox_is_filled_with_links",
        LINKS,
        "    if not has_enough(session, user.id):",
        "    if not has_enough(session, 0):",
        (f"{ROOM}::test_nobodys_mailbox_is_filled_from_everywhere",),
    ),
    Mutant(
        "an_invited_administrator_is_enough",
        "services/identity/roles.py",
        "        .where(User.password_hash.is_not(None))\n",
        "",
        (f"{INVITATIONS}::test_the_last_administrator_is_none_who_was_only_invited",),
    ),
    Mutant(
        "a_link_is_a_referrer",
        "services/gateway/routes/password_link.py",
        '    response.headers["Referrer-Policy"] = "no-referrer"\n',
        "",
        (f"{PAGES}::test_the_address_of_a_link_goes_nowhere",),
    ),
    Mutant(
        "the_word_of_a_link_is_logged",
        "shared/faults.py",
        ' or "/clave/" in text',
        "",
        (f"{PAGES}::test_no_log_holds_the_word_of_a_link",),
    ),
    Mutant(
        "a_log_in_leaves_the_browsers_session_running",
        "services/gateway/entrance.py",
        "        await ask(log_out, before)\n",
        "        pass\n",
        (f"{PAGES}::test_a_new_log_in_ends_the_browsers_session_whichever_way_it_comes",),
    ),
    Mutant(
        "letters_to_users_are_kept_for_good",
        "services/mailer/letters.py",
        "    old = known & (ServiceMail.created_at < before)",
        "    old = known & (ServiceMail.created_at > before)",
        (f"{FORGOTTEN}::test_a_letter_to_a_user_is_forgotten_after_its_days",),
    ),
    Mutant(
        "a_letter_is_forgotten_before_it_is_out",
        "services/mailer/letters.py",
        " & ServiceMail.state.not_in(OPEN)\n    blanked",
        "\n    blanked",
        (f"{FORGOTTEN}::test_a_letter_that_has_still_to_go_out_keeps_its_address",),
    ),
]
