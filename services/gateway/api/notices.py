"""What a user was told, over REST."""

from services.gateway.routing import ANY_USER, Api
from shared.contracts import identity as contract

api = Api("notices")

api.expose("GET", "/notices", contract.list_notices, allow=ANY_USER)
api.expose("POST", "/notices/read", contract.read_notices, allow=ANY_USER, status=204)
api.expose("POST", "/notices/{notice_id}/open", contract.open_notice, allow=ANY_USER)
