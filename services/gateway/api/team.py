"""Teams over REST."""

from services.gateway.routing import Api
from shared.contracts import identity as contract
from shared.contracts.identity import UserPermission

api = Api("teams")

WRITE = UserPermission.WRITE_TEAMS
_ONE = "/teams/{team_id}"
_LEAVE = _ONE + "/members/{member_id}/end"

api.expose("GET", "/teams", contract.list_teams, allow=WRITE)
api.expose("POST", "/teams", contract.create_team, allow=WRITE, status=201)
api.expose("GET", _ONE, contract.get_team, allow=WRITE)
api.expose("PATCH", _ONE, contract.update_team, allow=WRITE)
api.expose("POST", _ONE + "/members", contract.add_member, allow=WRITE, status=201)
api.expose("POST", _LEAVE, contract.end_member, allow=WRITE, body="LastDay")
