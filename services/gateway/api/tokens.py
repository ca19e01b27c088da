"""API tokens over REST."""

from services.gateway.routing import Api
from shared.contracts import identity as contract
from shared.contracts.identity import TokenPermission

api = Api("tokens")

WRITE = TokenPermission.WRITE
_ONE = "/tokens/{token_id}"

api.expose("GET", "/tokens", contract.list_api_tokens, allow=WRITE)
api.expose("POST", "/tokens", contract.create_api_token, allow=WRITE, status=201)
api.expose("GET", _ONE, contract.get_api_token, allow=WRITE)
api.expose("POST", _ONE + "/revoke", contract.revoke_api_token, allow=WRITE)
