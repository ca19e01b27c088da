"""The record of who did and saw what over REST."""

from services.gateway.routing import Api
from shared.contracts import audit as contract
from shared.contracts.audit import AuditPermission

api = Api("audit")

READ, READ_PERSON = AuditPermission.READ, AuditPermission.READ_PERSON
_VIEWERS = "/customers/{customer_id}/viewers"

api.expose("GET", "/audit", contract.list_audit, allow=READ)
api.expose("GET", "/audit/days", contract.list_audit_days, allow=READ)
api.expose("GET", _VIEWERS, contract.list_viewers, allow=READ_PERSON)
