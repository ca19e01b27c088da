"""Assignments over REST."""

from services.gateway.routing import Api
from shared.contracts import telemarketing as contract
from shared.contracts.telemarketing import CallPermission

api = Api("assignment")

ASSIGN = CallPermission.ASSIGN

_LIST = "/campaigns/{campaign_id}/call-list"
_SHARES = "/campaigns/{campaign_id}/assignments"
_SHARE = _SHARES + "/{advisor}"

api.expose("GET", "/assignments", contract.list_assignments, allow=ASSIGN)
api.expose("GET", "/open-work", contract.list_open_work, allow=ASSIGN)
api.expose("POST", "/open-work/{advisor}/hand-over", contract.hand_over, allow=ASSIGN)
api.expose("POST", _SHARES, contract.assign_customers, allow=ASSIGN)
api.expose("DELETE", _SHARE, contract.take_back, allow=ASSIGN)
api.expose(
    "POST",
    _SHARE + "/risk-refreshes",
    contract.refresh_risks,
    allow=ASSIGN,
    status=202,
)
api.expose("POST", _LIST, contract.request_call_list, allow=ASSIGN, status=202)
api.expose("GET", _LIST, contract.get_call_list, allow=ASSIGN)
