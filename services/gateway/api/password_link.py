"""Links by mail to choose a password, over REST: what became of one, and another invitation.

Who forgot a password asks for a link by a page: it leads to one.
"""

from services.gateway.routing import Api
from shared.contracts import identity as contract
from shared.contracts.identity import UserPermission

api = Api("identity")
_WRITE = UserPermission.WRITE
_LINK, _INVITATION = "/users/{user_id}/password-link", "/users/{user_id}/invitation"
_NONE = "The user was never sent a link"
api.expose("GET", _LINK, contract.get_password_link, allow=_WRITE, none=_NONE)
api.expose("POST", _INVITATION, contract.send_invitation, allow=_WRITE, status=202)
