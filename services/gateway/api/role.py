"""Roles over REST."""

from services.gateway.routing import Api
from shared.contracts import identity as contract
from shared.contracts.identity import UserPermission

api = Api("roles")

WRITE = UserPermission.WRITE
_ONE = "/roles/{code}"

api.expose("GET", "/roles", contract.list_roles, allow=WRITE)
api.expose("POST", "/roles", contract.create_role, allow=WRITE, status=201)
api.expose("GET", _ONE, contract.get_role, allow=WRITE)
api.expose("PATCH", _ONE, contract.update_role, allow=WRITE)
api.expose("DELETE", _ONE, contract.delete_role, allow=WRITE, status=204)
