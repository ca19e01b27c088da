"""What comes into fields and should not: at least 200 texts, and JSON that is none of a field's.

Texts may hold lone surrogates: whoever sends them encodes with `surrogatepass`.
"""

import json
import random
from collections.abc import Iterator

CONTROLS = [chr(code) for code in (*range(0x20), 0x7F, *range(0x80, 0xA0))]
_UNSEEN = [
    "\u00ad", "\u034f", "\u061c", "\u115f", "\u180e", "\u200b", "\u200d", "\u200e", "\u2028",
    "\u2029", "\u202e", "\u2060", "\u2066", "\u2069", "\u3164", "\ufe0f", "\ufeff", "\ufff9",
    "\ufffc", "\ufffd", "\ufffe", "\uffff", "\ud800", "\udbff", "\udc00", "\udfff",
    "\U000e0001", "\U0010fffe", "\U0010ffff",
]  # fmt: skip
_WRITING = [
    "", " ", "\t", "\r\n", "\n\n\n", "a\r\nBcc: x@y.ec", "x@y.ec>\r\nRCPT TO:<z@w.ec>",
    "=?utf-8?q?a?=", "Ñúñez", "\u0041\u0301" * 500, "z\u0335\u0322\u0321" * 300, "👩‍👩‍👧‍👦" * 200,
    "مرحبا", "日本語", "ß", "İ", "ﬁ", "\u1e9e", "a" * 256, "a" * 10_000, "ñ" * 100_000,
    "a b " * 5000, "-" * 3000, "(" * 3000, "{" * 3000, '"' * 3000, "%" * 3000, "_" * 3000,
]  # fmt: skip
_CODE = [
    "'", '"', "\\", "`", "''", "\\'", "' OR 1=1 --", "'; DROP TABLE customer; --", "%", "_", "%%",
    "\\N", "\\.", "\\x00", "%s", "%(a)s", "{}", "{0}", "{{ 7*7 }}", "{% for x in y %}", "{# #}",
    "{{ ''.__class__.__mro__ }}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>", "javascript:alert(1)", "data:text/html,x", "<!--", "]]>",
    "<![CDATA[", "&lt;", "&#0;", "<?xml ?>", "../../etc/passwd", "..\\..\\x", "/etc/passwd",
    "file:///etc/passwd", "C:\\x", "con", "~", "|id", "$(id)", ";id", "`id`", "=1+1", "@SUM(A1)",
    "+1+1", "-1+1", "\t=1", "null", "None", "undefined", "true", "TRUE", "on", "sí", "[]", "{}",
    "[object Object]", "%00", "%ff", "%c0%80", "%0d%0a", "&a=b", "a;b", "a=b", "#", "?", ".", "..",
]  # fmt: skip
_NUMBERS = [
    "0", "-0", "-1", "1", "00001", "1.5", "1,5", "1.234,56", "1e3", "1e400", "-1e400",
    "1e1000000", "0.1e-400", "NaN", "sNaN", "Infinity", "-Infinity", "9" * 30, "9" * 5000,
    "0." + "3" * 5000, "0x10", "0b1", "1_000", "１２３", "٣", "²", "½", "+5", "5 ", " 5", "5.",
    ".5", "--5", "$5", "99999999999.99", str(2**31 - 1), str(2**31), str(-(2**31) - 1),
    str(2**32), str(2**53 + 1), str(2**63 - 1), str(2**63), str(-(2**63) - 1), str(2**64),
]  # fmt: skip
_DATES = [
    "0001-01-01", "0000-00-00", "9999-12-31", "10000-01-01", "-0001-01-01", "2026-02-30",
    "2026-13-01", "1900-02-29", "31/12/0001", "1/1/1", "2026-11-20T25:00", "2026-11-20T23:59:60Z",
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-05:00", "2026-11-20T10:00:00+99:00",
    "2026-11-20T10:00", "2026-11-20 10:00", "2026-W47-5", "20261120", "hoy", "P1D", "0", "1e18",
]  # fmt: skip
_ADDRESSES = [
    "a@b", "@", "a@", "@b.ec", "a@b@c.ec", "a b@c.ec", '"a b"@c.ec', "a@[127.0.0.1]", "a@ñ.ec",
    "ñ@a.ec", "a@-b.ec", "a@b..ec", "a" * 65 + "@b.ec", "a@" + "b." * 130 + "ec", "a@b.ec\n",
    "a@b.ec,c@d.ec", "<a@b.ec>", "a@b.ec\0", "0991234567", "+593991234567", "099123456",
    "+99999999999999999999", "0000000000", "9999999999", "1710034065", "1710034066", "171003406",
]  # fmt: skip
TEXTS: list[str] = list(
    dict.fromkeys(
        [
            *_WRITING, *_CODE, *_NUMBERS, *_DATES, *_ADDRESSES,
            *(f"a{sign}b" for sign in (*CONTROLS, *_UNSEEN)),
        ]
    )
)  # fmt: skip


def draw(each: int | None, chance: random.Random, *, as_json: bool) -> list[bytes]:
    """What is sent to one field: all there is, or `each` of it drawn by chance."""
    texts = (text.encode("utf-8", "surrogatepass") for text in TEXTS)
    values = list(raw_json() if as_json else texts)
    return values if each is None else chance.sample(values, min(each, len(values)))


def raw_json() -> Iterator[bytes]:
    """Values as they stand in a body: each text as a string, and what no text can be."""
    yield from (json.dumps(text).encode() for text in TEXTS)
    yield from (
        b"null", b"true", b"false", b"0", b"-0", b"-1", b"1.5", b"1E400", b"1e1000000", b"-1E400",
        b"NaN", b"Infinity", b"-Infinity", b"9" * 30, b"9" * 5000, b"0." + b"3" * 5000,
        str(2**31).encode(), str(2**63).encode(), str(-(2**63) - 1).encode(), str(2**64).encode(),
        b"[]", b"{}", b"[null]", b"[[]]", b"[{}]", b'{"": ""}', b'{"a": {"b": {"c": 1}}}',
        b'{"__proto__": 1}', b'{"$ref": "#"}', b'{"a": 1, "a": 2}', b"[" * 300 + b"]" * 300,
        b'{"a":' * 300 + b"1" + b"}" * 300, b"[" + b"1," * 9_999 + b"1]",
        b"[" + b'"a",' * 9_999 + b'"a"]', b"[" + str(2**63).encode() + b"]", b'["\\u0000"]',
        b'"\\ud800"', b'"\\udc00\\ud800"', b'"\xff\xfe"', b'"\xc0\x80"', b'"\xed\xa0\x80"', b'"a',
        b"01", b"+1", b".5", b"1.", b"'a'", b"undefined", b"", b"{", b"/* */ 1", b'"\\x41"',
    )  # fmt: skip
