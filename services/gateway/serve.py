"""The gateway's process: `python -m services.gateway.serve --host 127.0.0.1 --port 8000`."""

import argparse
import asyncio

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from shared import log

HEAD_SECONDS = 10.0  # for a request's line and headers, from its first byte or the connection's
IDLE_SECONDS = 20  # longer than programs keep a line they do not use: who hangs up is not asked
STOP_SECONDS = 10  # pages with live parts never end by themselves


class Patient(H11Protocol):
    """uvicorn's protocol, which alone would wait for ever for the end of a request's head."""

    _cut: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As uvicorn's; the first request is expected."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """As uvicorn's; more of a head gives no more time for it."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """As uvicorn's."""
        super().connection_lost(exc)
        self._stop_watching()

    def _watch(self) -> None:
        if self.conn.their_state is not h11.IDLE:
            self._stop_watching()
        elif self._cut is None:
            self._cut = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_watching(self) -> None:
        if self._cut is not None:
            self._cut.cancel()
            self._cut = None


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="services.gateway.serve")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    log.set_up("gateway")
    uvicorn.run(
        "services.gateway.app:app",
        host=arguments.host,
        port=arguments.port,
        http=Patient,
        access_log=False,
        log_config=None,  # its errors go where ours do, in our form
        server_header=False,
        proxy_headers=False,  # shared.proxies says whom to believe
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


if __name__ == "__main__":
    main()
