"""A door in front of the broker, to watch who comes and to slam."""

import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit


class Gate:
    """A door in front of the broker that counts who comes, and can close on them."""

    def __init__(self, url: str) -> None:
        broker = urlsplit(url)
        self._broker = (broker.hostname or "", broker.port or 5672)
        self._door = socket.create_server(("127.0.0.1", 0))
        netloc = f"{broker.username}:{broker.password}@127.0.0.1:{self._door.getsockname()[1]}"
        self.url = broker._replace(netloc=netloc).geturl()  # the broker's, through the gate
        self._open: list[socket.socket] = []
        self._carriers: list[threading.Thread] = []
        self.visits = 0
        self.said = 0  # bytes from the client
        self._server = threading.Thread(target=self._serve)
        self._server.start()

    def hang_up(self) -> None:
        """Close what is open; who comes again is let in."""
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def shut(self) -> None:
        """Let nobody in any more."""
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._server.join()
        self._door.close()
        self.hang_up()

    def close(self) -> None:
        """Leave nothing open."""
        self.shut()
        for thread in self._carriers:
            thread.join()
        for one in self._open:
            one.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._door.accept()
                server = socket.create_connection(self._broker)
                self.visits += 1
                self._open += [client, server]
                self._start(client, server)
                self._start(server, client)

    def _start(self, source: socket.socket, target: socket.socket) -> None:
        self._carriers.append(threading.Thread(target=self._carry, args=(source, target)))
        self._carriers[-1].start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            to_broker = target.getpeername() == self._broker
            while data := source.recv(65536):
                target.sendall(data)
                self.said += len(data) if to_broker else 0
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)
