"""An advisor's calls over REST: next, risk check, result."""

from services.gateway.routing import ANY_USER, Api
from shared.contracts import telemarketing as contract
from shared.contracts.telemarketing import CALLERS, CallPermission

api = Api("call")

WORK = CallPermission.WORK
CHECK_RISK = CallPermission.CHECK_RISK

_PERIOD = {"from_at": "from", "to_at": "to"}
_LEASE = "/calls/leases/{lease_id}"
_CHECKS = "/customers/{customer_id}/risk-checks"

api.expose("POST", "/calls/next", contract.next_call, allow=WORK, none="Nobody to call now")
api.expose("GET", "/calls/queue", contract.get_queue_state, allow=WORK)
api.expose("DELETE", _LEASE, contract.release_lease, allow=WORK, status=204)
api.expose("POST", "/calls", contract.record_call, allow=WORK, status=201)
api.expose("GET", "/calls", contract.list_calls, allow=CALLERS)
api.expose("GET", "/calls/results", contract.list_results, allow=ANY_USER)
api.expose("GET", "/callbacks", contract.list_callbacks, allow=CALLERS, names=_PERIOD)
api.expose("POST", _CHECKS, contract.check_risk, allow=CHECK_RISK, query=("purpose",))
