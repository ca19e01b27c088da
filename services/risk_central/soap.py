"""The SOAP server's process: `granian --interface wsgi services.risk_central.soap:app`."""

from services.risk_central import store
from services.risk_central.door import Door
from shared import log
from shared.settings import settings

log.set_up("soap")
app = Door(store.connect(settings().redis_url), settings().soap_user, settings().soap_password)
