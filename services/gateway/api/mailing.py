"""Mailing runs over REST."""

from services.gateway.routing import Api
from shared.contracts import mailer as contract
from shared.contracts.mailer import MailPermission

api = Api("mailings")

READ = MailPermission.READ
SEND = MailPermission.SEND

_ONE = "/mailings/{mailing_id}"
_SCHEDULE = "/mailings/monthly/schedule"

api.expose("GET", "/mailings", contract.list_mailings, allow=READ)
api.expose("POST", "/mailings", contract.create_mailing, allow=SEND, status=202)
api.expose("POST", "/mailings/monthly", contract.run_monthly, allow=SEND, body="Month")
api.expose("GET", _SCHEDULE, contract.get_monthly_schedule, allow=READ)
api.expose("PUT", _SCHEDULE, contract.set_monthly_schedule, allow=SEND)
api.expose("GET", _ONE, contract.get_mailing, allow=READ)
api.expose("POST", _ONE + "/pause", contract.pause_mailing, allow=SEND)
api.expose("POST", _ONE + "/resume", contract.resume_mailing, allow=SEND)
api.expose("POST", _ONE + "/cancel", contract.cancel_mailing, allow=SEND)
api.expose("POST", _ONE + "/retry", contract.retry_mailing, allow=SEND, body="Retry")
api.expose("GET", _ONE + "/recipients", contract.list_recipients, allow=READ)
