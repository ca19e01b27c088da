"""Figures over all campaigns, over REST."""

from services.gateway.routing import Api
from shared.contracts import campaign as contract
from shared.contracts.campaign import CampaignPermission

api = Api("statistics")

READ = CampaignPermission.READ_STATISTICS

_REPEATED = "/statistics/repeated-customers"

api.expose("GET", _REPEATED, contract.get_repeated_customers, allow=READ)
api.expose(
    "GET",
    "/statistics/by-budget",
    contract.list_by_budget,
    allow=READ,
)
api.expose("GET", "/statistics/by-age", contract.list_by_age, allow=READ)
api.expose(
    "GET",
    "/statistics/by-gender",
    contract.list_by_gender,
    allow=READ,
)
api.expose("GET", "/statistics/map", contract.list_by_province, allow=READ)
