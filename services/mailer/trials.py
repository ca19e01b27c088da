"""A test mail: sent by a worker, its outcome told to who asked and on the design's page."""

from typing import NamedTuple
from uuid import uuid4

from services.mailer import designs, messages, rules
from services.mailer.smtp import BarredError, Fate, Line
from shared import notices
from shared.contracts.mailer import told
from shared.db import sessions

ROOM = "mailer"
_TAKEN = "El servidor de correo aceptó la prueba de «{}»"
_NOT_SENT = "No salió la prueba de «{}»"


class Trial(NamedTuple):
    """Which design goes where, and who asked for it; `reference` is the same at each delivery."""

    design_id: int
    subject: str
    email: str
    asked_by: str = ""
    reference: str = ""


def send(test: Trial) -> None:
    """Hand it over. Raises ConnectionError where another attempt may do."""
    content = _compose(test)
    try:
        line = Line()
    except BarredError as error:
        end(test, taken=False, words=str(error))
        return
    except OSError as error:
        raise ConnectionError(str(error)) from error
    answer = line.send(messages.sender_address(), test.email, content)
    line.close()
    if answer.fate is Fate.POSTPONED:
        raise ConnectionError(answer.text)
    end(test, taken=answer.fate is Fate.ACCEPTED, words=answer.text)


def _compose(test: Trial) -> bytes:
    with sessions(ROOM).begin() as session:
        design = designs.get_design(session, test.design_id)
        compiled = designs.compile_design(test.subject or design.subject, design.html, design.text)
    return messages.compose_test(compiled, test.email, uuid4().hex)


def end(test: Trial, *, taken: bool, words: str) -> None:
    """Say on the design's page and behind the bell of who asked what came of it."""
    with sessions(ROOM).begin() as session:
        design = designs.find_design(session, test.design_id)
        designs.set_test_error(session, test.design_id, None if taken else words)
        if design is None or not test.asked_by:
            return
        notices.send(
            session,
            test.asked_by,
            f"test:{test.reference}:{taken}",
            (_TAKEN if taken else _NOT_SENT).format(design.name),
            detail=f"{rules.mask(test.email)}. {told(words)}",
            link=f"/disenos/{test.design_id}",
        )
