"""Customers into a campaign's database by the product's own path, against psql into psql.

`N=200000` customers by default. The product's figure runs from the command that creates the
campaign until its audience is complete and counted: events, jobs, chunks, checksums and all.
"""

import os
import subprocess
import time
from contextlib import closing

import httpx
import psycopg2

from shared.contracts.customer_query import AUDIENCE_COLUMNS
from tests import product
from tests.bench.figure import Figure

WAIT_SECONDS = 600
EVERYBODY = {"all": [{"field": "age", "between": [0, 120]}]}
_FILL = """
    INSERT INTO customer (cedula, first_names, last_names, search, gender, birth_on, income,
        province, canton, address, email, phone, joined_on, category, consent_mail, consent_phone)
    SELECT lpad(n::text, 10, '0'), 'María Fernanda', 'Quishpe Zambrano ' || n,
        'quishpe zambrano ' || n || ' maria fernanda', (ARRAY['F', 'M'])[1 + n %% 2],
        date '1940-01-01' + (n * 37 %% 24000), 300 + n %% 2000, lpad((1 + n %% 24)::text, 2, '0'),
        '0101', 'Av. 10 de Agosto N' || n, 'maria.quishpe' || n || '@correo.example',
        '+5939' || lpad(n::text, 8, '0'), date '2015-01-01' + n %% 3000, 'regular',
        n %% 10 < 7, n %% 10 < 6
    FROM generate_series(1, %s) AS n
"""
_PEER_COLUMNS = """
    id, cedula, first_names, last_names, gender, birth_on, income, province, canton, category,
    joined_on, email, phone, CASE WHEN consent_mail THEN NULL ELSE 'no_consent' END,
    CASE WHEN consent_phone THEN NULL ELSE 'no_consent' END
"""


def run() -> list[Figure]:
    """One figure: rows a second."""
    customers = int(os.environ.get("N", "200000"))
    with product.running() as running:
        server = running.settings["PREGON_DATABASE_URL"].rstrip("/")
        names = {
            room: f"{server}/{running.settings['PREGON_NAMESPACE']}_{room}"
            for room in ("customer_query", "campaign")
        }
        _fill(names["customer_query"], customers)
        ours = customers / _transfer(running.client("jefe"), customers)
        limit = customers / _psql(names["customer_query"], names["campaign"])
    return [
        Figure(
            "segment_transfer",
            round(ours),
            "rows/s",
            round(ours / limit, 3),
            f"psql \\copy | psql \\copy: {limit:.0f} rows/s, {customers} customers",
        )
    ]


def _fill(database: str, customers: int) -> None:
    with closing(psycopg2.connect(database)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(_FILL, (customers,))
            cursor.execute("VACUUM ANALYZE customer")


def _transfer(head: httpx.Client, customers: int) -> float:
    started = time.monotonic()
    campaign = (
        head.post(
            "/campaigns",
            json={"name": "Todos", "channels": ["mail"], "definition": EVERYBODY},
        )
        .raise_for_status()
        .json()
    )
    address = f"/campaigns/{campaign['id']}/audience"
    while (audience := head.get(address).raise_for_status().json())["state"] != "ready":
        if time.monotonic() - started > WAIT_SECONDS:
            raise TimeoutError(f"audience: {audience}")
        time.sleep(0.05)
    seconds = time.monotonic() - started
    if audience["transferred"] != customers:
        raise ValueError(f"{audience['transferred']} of {customers} customers transferred")
    return seconds


def _psql(source: str, target: str) -> float:
    """The same rows into a table with the same indexes."""
    with closing(psycopg2.connect(target)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE peer (LIKE audience_member INCLUDING ALL)")
    started = time.monotonic()
    columns = " ".join(_PEER_COLUMNS.split())
    with subprocess.Popen(
        [
            "psql",
            source,
            "-Xqc",
            f"\\copy (select '00000000-0000-0000-0000-000000000000'::uuid, {columns} "
            "from customer) to stdout",
        ],
        stdout=subprocess.PIPE,
    ) as sender:
        subprocess.run(
            [
                "psql",
                target,
                "-Xqc",
                f"\\copy peer ({', '.join(AUDIENCE_COLUMNS)}) from stdin",
            ],
            stdin=sender.stdout,
            check=True,
        )
    return time.monotonic() - started
