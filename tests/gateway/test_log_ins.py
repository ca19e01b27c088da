"""Many who log in at once, rightly or not: everybody else's pages go on."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.product import Product


def guess(client: httpx.Client, number: int) -> httpx.Response:
    """One wrong log-in of a name of its own."""
    return client.post("/token", data={"username": f"nadie{number}", "password": "equivocada"})


def read(reader: httpx.Client) -> float:
    """Seconds that a page takes, which needs the room that checks passwords."""
    began = time.monotonic()
    reader.get("/cuenta").raise_for_status()
    return time.monotonic() - began


@pytest.mark.timeout(300)  # with the product's start
def test_forty_wrong_log_ins_at_once_never_make_a_page_wait(product: Product) -> None:
    token = product.client("jefe").headers["Authorization"].removeprefix("Bearer ")
    tls = httpx.create_ssl_context()  # once: it takes longer than a page
    with (
        ThreadPoolExecutor(40) as threads,
        httpx.Client(base_url=f"{product.address}/api/v1", timeout=60, verify=tls) as stranger,
        httpx.Client(
            base_url=product.address, cookies={"pregon_session": token}, timeout=60, verify=tls
        ) as reader,
    ):
        quiet = [read(reader) for _ in range(20)]
        guesses = [threads.submit(guess, stranger, number) for number in range(40)]
        waits = []
        while not all(future.done() for future in guesses):
            waits.append(read(reader))
    assert max(waits) < max(1.0, 3 * max(quiet))
    answers = [future.result() for future in guesses]
    assert {answer.status_code for answer in answers} <= {401, 429, 503}
    refused = [answer for answer in answers if answer.status_code != 401]
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
