"""Figures over all campaigns, over REST."""

from services.gateway.routing import Api
from shared.contracts import campaign as contract
from shared.contracts.identity import P

api = Api("statistics")

_REPEATED = "/statistics/repeated-customers"

api.expose("GET", _REPEATED, contract.get_repeated_customers, allow=P.STATISTICS_READ)
api.expose("GET", "/statistics/by-budget", contract.list_by_budget, allow=P.STATISTICS_READ)
api.expose("GET", "/statistics/by-age", contract.list_by_age, allow=P.STATISTICS_READ)
api.expose("GET", "/statistics/by-gender", contract.list_by_gender, allow=P.STATISTICS_READ)
api.expose("GET", "/statistics/map", contract.list_by_province, allow=P.STATISTICS_READ)
