"""What became of a family of odd inputs."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import httpx

SLOW_SECONDS = 1.0
HUNG_SECONDS = 30.0
_SHOWN = 40
_REFUSED = frozenset({400, 401, 403, 404, 405, 409, 411, 413, 414, 415, 422, 429, 431})
_BREAKS = frozenset("\t\n\r")


@dataclass
class Tally:
    """Counts of one family; `wrong` are answers that are neither clear nor right."""

    family: str
    tried: int = 0
    refused: int = 0
    accepted: int = 0
    slow: int = 0
    failed: int = 0
    hung: int = 0
    wrong: int = 0
    examples: list[str] = field(default_factory=list)
    traces: list[str] = field(default_factory=list)  # by which the logs know what failed
    _lock: Lock = field(default_factory=Lock)

    def send(
        self,
        what: str,
        ask: Callable[[], httpx.Response],
        slow_seconds: float = SLOW_SECONDS,
    ) -> httpx.Response | None:
        """Ask, and count what came; `what` says which input, for a person who looks for it."""
        began = time.monotonic()
        try:
            answer = ask()
        except httpx.TimeoutException:
            self.count("hung", what)
            return None
        except httpx.LocalProtocolError:  # no client sends it
            return None
        except httpx.TransportError as error:  # cut off: the server speaks no HTTP to this
            self.count("failed", f"{what}: {error!r}")
            return None
        self.judge(what, answer, time.monotonic() - began, slow_seconds)
        return answer

    def judge(self, what: str, answer: httpx.Response, seconds: float, slow_seconds: float) -> None:
        """Count an answer."""
        told = f"{what} → {answer.status_code} {answer.text[:160]!r}"
        with self._lock:
            self.tried += 1
        if seconds > slow_seconds:
            self.tell("slow", f"{seconds:.1f} s: {told}")
        if answer.status_code >= 500:
            self.traces.append(answer.headers.get("x-trace-id", ""))
            self.tell("failed", told)
        elif answer.status_code in _REFUSED:
            self.tell("refused" if is_clear(answer) else "wrong", told)
        else:
            self.tell("wrong" if holds_controls(answer) else "accepted", told)

    def count(self, name: str, what: str) -> None:
        """Count one more input by what became of it."""
        with self._lock:
            self.tried += 1
        self.tell(name, what)

    def tell(self, name: str, told: str) -> None:
        """One more of a kind, of an input that was counted as tried."""
        with self._lock:
            setattr(self, name, getattr(self, name) + 1)
            bad = name not in ("refused", "accepted")
            if bad and len(self.examples) < _SHOWN:
                self.examples.append(f"{name}: {told}")

    @property
    def is_good(self) -> bool:
        """Whether nothing stopped, slowed, broke or was answered unclearly."""
        return not self.slow and self.is_standing

    @property
    def is_standing(self) -> bool:
        """The same without looking at the clock, for a machine that does other work beside."""
        return self.tried > 0 and not (self.failed or self.hung or self.wrong)

    def line(self) -> dict[str, Any]:
        """As `make hostile` prints it."""
        names = ("tried", "refused", "accepted", "slow", "failed", "hung", "wrong")
        told = {"family": self.family, **{name: getattr(self, name) for name in names}}
        return told | ({"examples": self.examples} if self.examples else {})


def is_clear(answer: httpx.Response) -> bool:
    """Says in Spanish what is wrong: a problem with its fields, a page, or the server's own 400."""
    kind = answer.headers.get("content-type", "")
    if kind.startswith("application/problem+json"):
        problem = answer.json()
        named = answer.status_code != 422 or bool(problem["errors"])
        return named and bool(problem["title"]) and bool(problem["detail"])
    if kind.startswith("text/html"):
        return True
    return not answer.request.url.path.startswith("/api/") or answer.status_code in (400, 414, 431)


def holds_controls(answer: httpx.Response) -> bool:
    """Whether an answer to a program has text in it that no field may hold."""
    kind = answer.headers.get("content-type", "")
    if not answer.content or not kind.startswith("application/json"):
        return False
    return any(not character.isprintable() and character not in _BREAKS and ord(character) < 0xA0
               for text in _texts(answer.json()) for character in text)  # fmt: skip


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return []
