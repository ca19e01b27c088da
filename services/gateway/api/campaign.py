"""Campaigns, their phases and their audience over REST."""

from services.gateway.routing import Api
from shared.contracts import campaign as contract
from shared.contracts.campaign import CampaignPermission

api = Api("campaign")

_ONE = "/campaigns/{campaign_id}"
READ, WRITE = CampaignPermission.READ, CampaignPermission.WRITE
STATISTICS = CampaignPermission.READ_STATISTICS

api.expose("GET", "/campaigns", contract.list_campaigns, allow=READ)
api.expose("POST", "/campaigns", contract.create_campaign, allow=WRITE, status=201)
api.expose("GET", _ONE, contract.get_campaign, allow=READ)
api.expose("PATCH", _ONE, contract.update_campaign, allow=WRITE)
api.expose("POST", _ONE + "/phase", contract.change_phase, allow=WRITE, body="PhaseStep")
api.expose("GET", _ONE + "/phases", contract.list_phase_changes, allow=READ)
api.expose("POST", _ONE + "/audience", contract.request_audience, allow=WRITE, status=202)
api.expose("GET", _ONE + "/audience", contract.get_audience, allow=READ)
api.expose("GET", _ONE + "/members", contract.list_members, allow=READ)
api.expose("GET", _ONE + "/statistics", contract.get_statistics, allow=STATISTICS)
