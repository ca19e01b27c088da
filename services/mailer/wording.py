"""What letters say: a text by template in `letters/`, which HTML shows in a plain frame."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.mailer import merge
from services.mailer.models import ServiceMail
from shared import mail_links

_LOADER = FileSystemLoader(Path(__file__).parent / "letters")
_TEXT = Environment(loader=_LOADER, undefined=StrictUndefined, autoescape=False)  # noqa: S701
_HTML = Environment(loader=_LOADER, undefined=StrictUndefined, autoescape=True)


def text(letter: ServiceMail) -> str:
    """The plain text: paragraphs with an empty line between."""
    first_name = one_line(letter.full_name).partition(" ")[0]
    template = _TEXT.get_template(f"{letter.template}.txt")
    fields = letter.fields | {mail_links.FIELD: link(letter)}
    return template.render(fields, first_name=first_name, company=merge.COMPANY)


def link(letter: ServiceMail) -> str:
    """What the letter's reader shall open; empty where there is nothing. It is kept nowhere.

    Raises LookupError when the key that it goes with is no longer in use.
    """
    seed = letter.fields.get(mail_links.FIELD, "")
    return mail_links.url(seed, letter.email or "") if seed else ""


def html(subject: str, said: str, link: str = "") -> str:
    """The same text as a page, escaped; the paragraph that is the link can be clicked on."""
    paragraphs = [one_line(part) for part in said.split("\n\n")]
    frame = _HTML.get_template("frame.html")
    return frame.render(subject=subject, paragraphs=paragraphs, link=link)


def one_line(said: str) -> str:
    """Without line ends, so that a name cannot end a header."""
    return " ".join(said.split())
