"""What cleaning takes out of an uploaded design, said in Spanish; images and where they lead."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from lxml import html as lxml_html

from services.mailer import limits

IMAGE_SCHEME = "pregon-image"
_NAMES = {
    "script": "código (script)",
    "iframe": "marco (iframe)",
    "form": "formulario",
    "input": "campo de formulario",
    "button": "botón de formulario",
    "select": "lista de formulario",
    "textarea": "campo de formulario",
    "object": "objeto incrustado",
    "embed": "objeto incrustado",
    "link": "hoja de estilos externa",
    "meta": "redirección",
    "base": "dirección base",
    "svg": "dibujo SVG",
    "video": "video",
    "audio": "audio",
}
_STRUCTURE = frozenset({"html", "head", "body", "style", "title", "main", "section", "article"})
_IMAGE = re.compile(r"""(<img\b[^>]*?\bsrc\s*=\s*)(["'])(.*?)\2""", re.IGNORECASE | re.DOTALL)
_PIXEL = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
_TINY = re.compile(
    r"""\b(?:width|height)\s{0,9}[=:]\s{0,9}["']?\s{0,9}[01](?:px)?\s{0,9}["';\s/>]"""
    r"|display:\s{0,9}none"
)
_TOLD = 40  # kinds of things; the rest is counted
_REMOTE = ("http:", "https:", "//")


def point_to_images(source: str, images: Mapping[str, str]) -> str:
    """The HTML with `src` of images that came along turned into addresses of the file store."""

    def point(found: re.Match[str]) -> str:
        key = images.get(_file_name(found.group(3)))
        address = f"{IMAGE_SCHEME}:{key}" if key else found.group(3)
        return f"{found.group(1)}{found.group(2)}{address}{found.group(2)}"

    parts, at = [], 0
    for tag in limits.read_tags(source) if images else ():
        if tag.name == "img":
            parts += [source[at : tag.start], _IMAGE.sub(point, source[tag.start : tag.end], 1)]
            at = tag.end
    return "".join([*parts, source[at:]])


def _file_name(address: str) -> str:
    return unquote(address).replace("\\", "/").rpartition("/")[2].lower()


def is_dropped_image(address: str) -> bool:
    """Whether an image is neither ours nor on a web site: it would be a broken picture."""
    return not address.startswith((f"{IMAGE_SCHEME}:", *_REMOTE))


def is_pixel(tag: str) -> bool:
    """Whether an `<img …>` is too small to be seen: it is there to watch who opens the mail."""
    return bool(_TINY.search(tag)) and any(scheme in tag for scheme in _REMOTE)


def drop_pixels(body: str) -> str:
    """The body without other people's tracking pixels."""
    return _PIXEL.sub(lambda found: "" if is_pixel(found.group()) else found.group(), body)


def list_removed(source: str, kept: frozenset[str], images: Mapping[str, str]) -> list[str]:
    """What cleaning took out or warns of, each with its number of times."""
    found: Counter[str] = Counter()
    for node in lxml_html.document_fromstring(source).iter():
        if isinstance(node.tag, str):
            found.update(_removed_of(node, kept, images))
    told = [text if times == 1 else f"{text} ({times} veces)" for text, times in found.items()]
    rest = len(told) - _TOLD
    return told if rest <= 0 else [*told[:_TOLD], f"Se quitaron {rest} cosas más de otros tipos."]


def _removed_of(node: Any, kept: frozenset[str], images: Mapping[str, str]) -> Iterator[str]:
    if node.tag not in kept and node.tag not in _STRUCTURE and _is_told(node):
        yield f"Se quitó: {_NAMES.get(node.tag, f'elemento <{node.tag[:30]}>')}."
    for name, value in node.attrib.items():
        if name.startswith("on"):
            yield f"Se quitó: acción «{name[:30]}» de un elemento."
        if name in ("href", "src") and value.strip().lower().startswith("javascript:"):
            yield "Se quitó: enlace con código (javascript:)."
    if node.tag == "img":
        yield from _image_notes(node, images)


def _is_told(node: Any) -> bool:
    """A plain `<meta charset>` is replaced by ours: nobody misses it."""
    return node.tag != "meta" or str(node.get("http-equiv")).lower() == "refresh"


def _image_notes(node: Any, images: Mapping[str, str]) -> Iterator[str]:
    address = node.get("src", "").strip()
    if _file_name(address) in images:
        return
    if is_pixel(lxml_html.tostring(node, encoding="unicode", with_tail=False)):
        yield f"Se quitó: imagen de seguimiento de {_host(address)}."
    elif is_dropped_image(address):
        yield f"Se quitó: imagen «{address[:60]}», que no vino con el archivo."
    else:
        yield f"Aviso: una imagen se carga desde {_host(address)}."


def _host(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "otro sitio")[:100]
    except ValueError:
        return "otro sitio"
