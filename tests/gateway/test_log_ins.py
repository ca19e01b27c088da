"""Many who log in at once, rightly or not: everybody else's pages go on."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.product import Product


def guess(address: str, number: int) -> httpx.Response:
    """One wrong log-in of a name of its own."""
    return httpx.post(
        f"{address}/api/v1/token",
        data={"username": f"nadie{number}", "password": "equivocada"},
        timeout=60,
    )


def test_forty_wrong_log_ins_at_once_never_make_a_page_wait(product: Product) -> None:
    token = product.client("jefe").headers["Authorization"].removeprefix("Bearer ")
    waits: list[float] = []
    with (
        ThreadPoolExecutor(40) as threads,
        httpx.Client(cookies={"pregon_session": token}, timeout=60) as reader,
    ):
        reader.get(f"{product.address}/cuenta").raise_for_status()
        guesses: list[Any] = [threads.submit(guess, product.address, n) for n in range(40)]
        while not all(future.done() for future in guesses):
            began = time.monotonic()
            reader.get(f"{product.address}/cuenta").raise_for_status()
            waits.append(time.monotonic() - began)
    answers = [future.result() for future in guesses]
    assert max(waits) < 1.5
    assert {answer.status_code for answer in answers} <= {401, 429, 503}
    assert all("retry-after" in answer.headers for answer in answers if answer.status_code != 401)
