"""An advisor's calls over REST: next, risk check, result."""

from services.gateway.routing import ANY_USER, Api
from shared.contracts import telemarketing as contract
from shared.contracts.identity import P

api = Api("call")

CALLERS = frozenset({P.CALL_WORK, P.CALL_READ_ALL})
_PERIOD = {"from_at": "from", "to_at": "to"}
_LEASE = "/calls/leases/{lease_id}"
_CHECKS = "/customers/{customer_id}/risk-checks"

api.expose("POST", "/calls/next", contract.next_call, allow=P.CALL_WORK, none="Nobody to call now")
api.expose("GET", "/calls/queue", contract.get_queue_state, allow=P.CALL_WORK)
api.expose("DELETE", _LEASE, contract.release_lease, allow=P.CALL_WORK, status=204)
api.expose("POST", "/calls", contract.record_call, allow=P.CALL_WORK, status=201)
api.expose("GET", "/calls", contract.list_calls, allow=CALLERS)
api.expose("GET", "/calls/results", contract.list_results, allow=ANY_USER)
api.expose("GET", "/callbacks", contract.list_callbacks, allow=CALLERS, names=_PERIOD)
api.expose("POST", _CHECKS, contract.check_risk, allow=P.RISK_CHECK, query=("purpose",))
