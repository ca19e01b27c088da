"""What is answered before anybody reads a request as SOAP."""

from http import HTTPStatus


class TurnedAwayError(Exception):
    """A request that is answered with a status and a sentence."""

    def __init__(self, status: HTTPStatus, message: str, *headers: tuple[str, str]) -> None:
        self.status = status
        self.message = message
        self.headers = headers
        super().__init__(message)
