"""Segments over REST."""

from services.gateway.routing import Api
from shared.contracts import customer_query as contract
from shared.contracts.identity import P

api = Api("segment")

_COUNT = "/segments/count"
_ONE = "/segments/{segment_id}"

api.expose("POST", _COUNT, contract.count_segment, allow=P.SEGMENT_READ, body="Counted")
api.expose("GET", "/segments", contract.list_segments, allow=P.SEGMENT_READ)
api.expose("POST", "/segments", contract.create_segment, allow=P.SEGMENT_WRITE, status=201)
api.expose("GET", _ONE, contract.get_segment, allow=P.SEGMENT_READ)
api.expose("PATCH", _ONE, contract.update_segment, allow=P.SEGMENT_WRITE)
api.expose("DELETE", _ONE, contract.delete_segment, allow=P.SEGMENT_WRITE, status=204)
