"""Faults in campaigns, audiences and what they follow of people."""

from tests.mutants.mutant import Mutant

CAMPAIGN_RULES = "tests/unit/campaign/test_rules.py"
CAMPAIGNS = "tests/rooms/campaign/test_campaigns.py"
FACTS = "tests/rooms/campaign/test_facts.py"
AUDIENCE = "tests/jobs/campaign/test_audience.py"

MUTANTS = [
    # --- campaigns ---
    Mutant(
        "a_closing_campaign_may_be_cancelled",
        "services/campaign/rules.py",
        "Phase.CLOSING: (Phase.FINISHED, Phase.EXECUTING),",
        "Phase.CLOSING: (Phase.FINISHED, Phase.EXECUTING, Phase.CANCELLED),",
        (CAMPAIGN_RULES,),
    ),
    Mutant(
        "no_budget_is_enough",
        "services/campaign/rules.py",
        "if plan.budget <= 0:",
        "if plan.budget < 0:",
        (CAMPAIGN_RULES,),
    ),
    Mutant(
        "pausing_needs_no_reason",
        "services/campaign/rules.py",
        "_REASON_NEEDED = {Phase.CANCELLED, Phase.PAUSED}",
        "_REASON_NEEDED = {Phase.CANCELLED}",
        (CAMPAIGN_RULES,),
    ),
    Mutant(
        "an_empty_audience_is_enough",
        "services/campaign/rules.py",
        "elif plan.audience == 0:",
        "elif False:",
        (CAMPAIGN_RULES,),
    ),
    Mutant(
        "a_running_campaign_changes_its_budget",
        "services/campaign/rules.py",
        'Phase.EXECUTING: frozenset({"goal", ',
        'Phase.EXECUTING: frozenset({"goal", "budget", ',
        (CAMPAIGN_RULES,),
    ),
    Mutant(
        "a_finished_campaign_gets_another_audience",
        "services/campaign/service.py",
        "        if not rules.NEXT[campaign.phase]:",
        "        if False:",
        (CAMPAIGNS,),
    ),
    Mutant(
        "an_audience_on_its_way_is_asked_for_again",
        "services/campaign/service.py",
        "if status.state is not AudienceState.TRANSFERRING:",
        "if True:",
        (f"{CAMPAIGNS}::test_asking_for_the_audience_while_it_comes_does_nothing_more",),
    ),
    Mutant(
        "the_control_group_is_contacted",
        "services/campaign/exports.py",
        "Member.audience_id == export.audience_id, Member.control.is_(False)",
        "Member.audience_id == export.audience_id",
        (f"{AUDIENCE}::test_everybody_but_the_control_group_is_handed_on",),
    ),
    Mutant(
        "the_control_group_is_twice_as_large",
        "services/campaign/audience.py",
        "draw < share * _CONTROL_STEPS",
        "draw < 2 * share * _CONTROL_STEPS",
        (f"{AUDIENCE}::test_the_control_group_is_near_its_share_and_the_same_at_each_refresh",),
    ),
    Mutant(
        "late_editions_stay",
        "services/campaign/audience.py",
        "        edition.state = EditionState.SUPERSEDED\n",
        "",
        (AUDIENCE,),
    ),
    Mutant(
        "news_of_editions_on_their_way_are_lost",
        "services/campaign/audience.py",
        "    contact_states.catch_up(session, audience_id)\n",
        "",
        (f"{AUDIENCE}::test_a_state_heard_before_the_people_came_is_applied_when_they_are_there",),
    ),
    Mutant(
        "older_states_overwrite_newer",
        "services/campaign/contact_states.py",
        "where=(ContactNews.version < news.excluded.version) & ~ContactNews.erased,",
        "",
        (FACTS,),
    ),
    Mutant(
        "older_runs_overwrite_newer",
        "services/campaign/facts.py",
        "            where=MailingFact.version < statement.excluded.version,\n",
        "",
        (FACTS,),
    ),
    Mutant(
        "older_outcomes_overwrite_newer",
        "services/campaign/facts.py",
        "            where=MailFact.at <= statement.excluded.at,\n",
        "",
        (f"{FACTS}::test_the_mail_funnel_adds_up_whatever_comes_twice_or_late",),
    ),
    Mutant(
        "waiting_exports_never_hear",
        "services/campaign/failures.py",
        "announce(session, exports.fail_waiting(session, edition.campaign_id), reason)",
        "pass",
        (f"{AUDIENCE}::test_who_waits_for_an_edition_that_failed_hears_of_it",),
    ),
]
