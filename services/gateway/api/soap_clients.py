"""SOAP clients of the risk central over REST."""

from services.gateway.routing import Api
from shared.contracts import risk_central as contract
from shared.contracts.audit import AuditPermission
from shared.contracts.risk_central import RiskPermission

api = Api("soap-clients")

CLIENTS = RiskPermission.CLIENTS
_ALL, _ONE = "/soap-clients", "/soap-clients/{name}"

api.expose("GET", _ALL, contract.list_soap_clients, allow=CLIENTS)
api.expose("POST", _ALL, contract.create_soap_client, allow=CLIENTS, status=201)
api.expose("GET", _ONE, contract.get_soap_client, allow=CLIENTS)
api.expose("PATCH", _ONE, contract.update_soap_client, allow=CLIENTS)
api.expose("POST", _ONE + "/secret", contract.renew_soap_secret, allow=CLIENTS)
api.expose("POST", _ONE + "/deactivate", contract.deactivate_soap_client, allow=CLIENTS)
api.expose("POST", _ONE + "/activate", contract.activate_soap_client, allow=CLIENTS)
api.expose("GET", "/soap-questions", contract.list_soap_questions, allow=CLIENTS)
api.expose("GET", "/soap-questions/about", contract.list_soap_askers, allow=AuditPermission.READ)
api.expose("GET", "/soap-questions/ledger", contract.get_soap_ledger, allow=CLIENTS)
