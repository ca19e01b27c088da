"""Segments over REST."""

from services.gateway.routing import Api
from shared.contracts import customer_query as contract
from shared.contracts.customer_query import SegmentPermission

api = Api("segment")

_COUNT = "/segments/count"
_ONE = "/segments/{segment_id}"

api.expose("POST", _COUNT, contract.count_segment, allow=SegmentPermission.READ, body="Counted")
api.expose("GET", "/segments", contract.list_segments, allow=SegmentPermission.READ)
api.expose("POST", "/segments", contract.create_segment, allow=SegmentPermission.WRITE, status=201)
api.expose("GET", _ONE, contract.get_segment, allow=SegmentPermission.READ)
api.expose("PATCH", _ONE, contract.update_segment, allow=SegmentPermission.WRITE)
api.expose("DELETE", _ONE, contract.delete_segment, allow=SegmentPermission.WRITE, status=204)
