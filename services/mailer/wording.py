"""What letters say: a text by template in `letters/`, which HTML shows in a plain frame."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.mailer import merge
from services.mailer.models import ServiceMail

_LOADER = FileSystemLoader(Path(__file__).parent / "letters")
_TEXT = Environment(loader=_LOADER, undefined=StrictUndefined, autoescape=False)  # noqa: S701
_HTML = Environment(loader=_LOADER, undefined=StrictUndefined, autoescape=True)


def text(letter: ServiceMail) -> str:
    """The plain text: paragraphs with an empty line between."""
    first_name = one_line(letter.full_name).partition(" ")[0]
    template = _TEXT.get_template(f"{letter.template}.txt")
    return template.render(letter.fields, first_name=first_name, company=merge.COMPANY)


def html(subject: str, said: str) -> str:
    """The same text as a page, escaped."""
    paragraphs = [one_line(part) for part in said.split("\n\n")]
    return _HTML.get_template("frame.html").render(subject=subject, paragraphs=paragraphs)


def one_line(said: str) -> str:
    """Without line ends, so that a name cannot end a header."""
    return " ".join(said.split())
