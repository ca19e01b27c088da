"""Files as rows: of any usual kind, and what is said of one that is none or breaks."""

import io
from typing import Any

import pytest

from shared.errors import Invalid
from shared.loads.encodings import legible
from shared.loads.sources import source_of

HEADER = ["Cédula", "Nombres", "Dirección"]
ROWS = [["1710034065", "Íñigo Ñáñez", "Av. 10 de Agosto"], ["17", "Zoë", "Año; «viejo», 5"]]


def text(separator: str = ",", rows: list[list[str]] = ROWS) -> str:
    return "\r\n".join(
        separator.join(f'"{cell}"' if separator in cell else cell for cell in row)
        for row in [HEADER, *rows]
    )


def read(content: bytes) -> tuple[list[str], list[Any]]:
    with source_of(io.BytesIO(content)) as source:
        return source.header, list(source.lines)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "cp1252", "mac_roman", "utf-16", "utf-16-le", "utf-16-be"]
)
def test_any_usual_encoding_and_separator_is_read(encoding: str, separator: str) -> None:
    header, lines = read(text(separator).encode(encoding))
    assert header == HEADER
    assert lines == [(2, ROWS[0]), (3, ROWS[1])]


def test_letters_that_come_late_in_a_file_tell_its_encoding_too() -> None:
    rows = [["1", "Ana", "x" * 90]] * 20_000 + [["2", "Íñigo", "Año"]]
    for encoding in ("cp1252", "mac_roman", "utf-8"):
        _, lines = read(text(rows=rows).encode(encoding))
        assert lines[-1][1] == ["2", "Íñigo", "Año"]


def test_a_separator_in_a_quoted_name_is_none() -> None:
    header, _ = read(b'"a, b, c, d";nombres\r\n1;2\r\n')
    assert header == ["a, b, c, d", "nombres"]


def test_excels_line_about_the_separator_is_no_header() -> None:
    assert read(b"sep=;\r\ncedula;nombres\r\n1;2\r\n") == (["cedula", "nombres"], [(3, ["1", "2"])])


def test_empty_lines_are_no_rows_and_lines_keep_their_numbers() -> None:
    _, lines = read(b"a,b\n\n1,2\n , \n3,4\n")
    assert [number for number, _ in lines] == [3, 5]


@pytest.mark.parametrize(
    "tail",
    [
        '"abierta\n4,5\n6,7\n',
        '"abierta\n' + "8,9\n" * 90_000,
        '"abierta',
        '"abierta,4',
        '"abierta\n',
        '"abierta""',
        '"',
    ],
)
def test_a_file_that_breaks_in_the_middle_says_so(tail: str) -> None:
    with pytest.raises(Invalid, match="dañado"):
        read(b"a,b\n1,2\n3," + tail.encode())


@pytest.mark.parametrize("tail", ['"x"', '"x"\n', '"x""y"', '""', 'x"', "x", '"x\n"'])
def test_a_file_that_ends_with_closed_quotes_or_none_is_whole(tail: str) -> None:
    _, lines = read(b"a,b\n1,2\n3," + tail.encode())
    assert [number for number, _ in lines] == [2, 3 + tail.count("x\n")]


def test_a_line_break_within_quotes_is_no_break() -> None:
    _, lines = read(b'a,b\n1,"x\ny"\n')
    assert lines == [(3, ["1", "x\ny"])]


def test_how_much_has_been_read_is_known() -> None:
    with source_of(io.BytesIO(b"a,b\n" + b"1,2\n" * 50_000)) as source:
        shares = [source.share() for number, _ in source.lines if number % 10_000 == 0]
    assert shares == sorted(shares)
    assert 0.1 < shares[0] < 0.3
    assert shares[-1] > 0.9


# --- what would fill the memory, or be read as something else ---


def test_one_foreign_byte_does_not_turn_the_whole_file_into_another_encoding() -> None:
    rows = [["1", "Íñigo", "Año"]] * 5 + [["2", "Mu\udcf1oz", "x"]]
    for head in (b"", b"\xef\xbb\xbf"):
        content = head + text(rows=rows).encode("utf-8", "surrogateescape")
        _, lines = read(content)
        assert lines[0][1] == ["1", "Íñigo", "Año"]
        assert lines[-1][1] == ["2", "Mu\udcf1oz", "x"]
        assert legible(lines[-1][1][1]) == "Muñoz"


def test_a_late_foreign_byte_of_a_code_page_is_read_in_it() -> None:
    rows = [["1", "Ana", "x" * 90]] * 20_000 + [["2", "Muñoz", "x"]]
    _, lines = read(text(rows=rows).encode("cp1252").replace("Í".encode("cp1252"), b"I"))
    assert lines[-1][1] == ["2", "Muñoz", "x"]


def test_a_line_that_never_ends_is_refused() -> None:
    with pytest.raises(Invalid, match="La línea 2 es demasiado larga"):
        read(b"a,b\n" + b"1," * (1 << 20))


def test_a_header_of_a_million_columns_is_refused() -> None:
    with pytest.raises(Invalid, match="más de 1000 columnas"):
        read(b"a," * 100_000 + b"\n1,2\n")


@pytest.mark.parametrize("name", ["a\x01", "\x1b[0m", "\xff"])
def test_a_header_that_cannot_be_kept_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match="encabezado tiene caracteres"):
        read("áéíóúñáéíóúñ,cédula,".encode() + name.encode("latin-1") + b"\n1,2,3\n")


def test_a_cell_that_is_too_long_has_words_of_its_own() -> None:
    with pytest.raises(Invalid, match=r"línea 3 hay una celda de más de 131\.072 caracteres"):
        read(b"a,b\n1,2\n3," + b"x" * 131_073 + b"\n")


@pytest.mark.parametrize("sign", ['"', "a", "7", "\x01"])
def test_excels_line_about_an_odd_separator_is_not_followed(sign: str) -> None:
    header, _ = read(f"sep={sign}\r\ncedula;nombres\r\n1;2\r\n".encode())
    assert header == ["cedula", "nombres"]


@pytest.mark.parametrize("content", [b"\x1f\x8b\x08\0\0\0\0\0" * 9, b"BZh91AY&SY\0\0\xfd7zXZ\0"])
def test_another_packing_is_no_table(content: bytes) -> None:
    with pytest.raises(Invalid):
        read(content)
