"""Faults in who may do what and who leads whom: teams, roles, days of work."""

from tests.mutants.mutant import Mutant

TEAMS = "tests/rooms/identity/test_teams.py"
ROLES = "tests/rooms/identity/test_roles.py"
KNOWN = "services/identity/known.py"
SQL = "services/identity/roles.py"
SPANS = "services/identity/teams.py"

MUTANTS = [
    Mutant(
        "whoever_was_in_the_team_is_still_led",
        "services/identity/models.py",
        "or_(Member.ends_on.is_(None), Member.ends_on >= TODAY)",
        "Member.starts_on.is_not(None)",
        (TEAMS,),
    ),
    Mutant(
        "whoever_will_be_in_the_team_is_led_already",
        "services/identity/models.py",
        "IS_MEMBER = (Member.starts_on <= TODAY) & ",
        "IS_MEMBER = ",
        (TEAMS,),
    ),
    Mutant(
        "every_supervisor_leads_every_team",
        KNOWN,
        ".where(Team.supervisor_id == User.id, Team.active, IS_MEMBER)",
        ".where(Team.active, IS_MEMBER)",
        (TEAMS,),
    ),
    Mutant(
        "a_request_costs_a_statement_more",
        "services/identity/service.py",
        "        who = known.find_known(session, found.user_id)\n",
        "        known.find_known(session, found.user_id)\n"
        "        who = known.find_known(session, found.user_id)\n",
        (TEAMS,),
    ),
    Mutant(
        "somebody_is_put_into_a_second_team",
        SPANS,
        "    _refuse_second(session, person, new.starts_on, None)\n",
        "",
        (TEAMS,),
    ),
    Mutant(
        "a_last_day_is_moved_into_another_team",
        SPANS,
        "    _refuse_second(session, person, member.starts_on, ends_on, but=member.id)\n",
        "",
        (TEAMS,),
    ),
    Mutant(
        "a_closed_team_keeps_its_people",
        SPANS,
        "        _end_all(session, team.id, by)\n",
        "        pass\n",
        (TEAMS,),
    ),
    Mutant(
        "what_a_role_lost_its_users_keep",
        KNOWN,
        "frozenset() if restricted else frozenset(permissions)",
        "frozenset(permissions) | frozenset({'call.work'})",
        (ROLES,),
    ),
    Mutant(
        "nobody_may_administer_users_after_a_roles_change",
        "services/identity/role_doors.py",
        "            roles.check_administrators(session)\n",
        "",
        (ROLES,),
    ),
    Mutant(
        "nobody_may_administer_users_after_a_users_change",
        "services/identity/user_doors.py",
        "        roles.check_administrators(session)\n",
        "        pass\n",
        (ROLES,),
    ),
    Mutant(
        "an_administrator_with_a_last_day_is_enough",
        SQL,
        ".where(User.role.in_(may), User.active, User.ends_on.is_(None))",
        ".where(User.role.in_(may), User.active)",
        (ROLES,),
    ),
    Mutant(
        "two_take_the_administration_from_each_other",
        SQL,
        "    session.execute(row.with_for_update(key_share=True))\n",
        "",
        (ROLES,),
    ),
    Mutant(
        "a_permission_that_stays_is_granted_anew",
        SQL,
        "        _revoke(session, role.code, before - after)\n"
        "        _grant(session, role.code, after - before, by)\n",
        "        _revoke(session, role.code, before)\n"
        "        _grant(session, role.code, after, by)\n",
        (ROLES,),
    ),
    Mutant(
        "what_was_taken_from_a_role_comes_back_with_a_release",
        "services/identity/defaults.py",
        "new = [item for item in list_permissions() if item.value not in known]",
        "new = list(list_permissions())\n    session.execute(RolePermission.__table__.delete())\n"
        "    session.execute(Permission.__table__.delete())",
        (ROLES,),
    ),
    Mutant(
        "a_default_role_can_be_deleted",
        SQL,
        "    if role.builtin:\n",
        "    if False:\n",
        (ROLES,),
    ),
    Mutant(
        "who_has_left_logs_in",
        "shared/contracts/identity.py",
        "    if ends_on is not None and ends_on < today:",
        "    if False:",
        (ROLES,),
    ),
    Mutant(
        "a_session_outlives_the_last_day",
        "services/identity/service.py",
        "if who is None or who.state is not UserState.ACTIVE:",
        "if who is None or who.state is UserState.INACTIVE:",
        (ROLES,),
    ),
]
