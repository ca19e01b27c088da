"""The record of who did and saw what over REST."""

from services.gateway.routing import Api
from shared.contracts import audit as contract
from shared.contracts.audit import AuditPermission

api = Api("audit")

READ = AuditPermission.READ

api.expose(
    "GET", "/audit", contract.list_audit, allow=READ, names={"from_on": "from", "to_on": "to"}
)
api.expose("GET", "/audit/days", contract.list_audit_days, allow=READ)
api.expose(
    "GET",
    "/customers/{customer_id}/viewers",
    contract.list_viewers,
    allow=AuditPermission.READ_PERSON,
)
