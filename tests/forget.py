"""Drops what a product of tests left: `python -m tests.forget [databases] [queues] [keys]`."""

import os
import sys

import psycopg2
from kombu import Connection
from psycopg2 import sql

from infra.accounts import database, make
from infra.native import programs
from infra.native.run import Run
from shared.redis import connect
from shared.room import ROOMS
from shared.settings import settings
from tests.databases import forget_keys
from tests.faults import queues


def drop_databases() -> None:
    """Drop this namespace's databases."""
    connection = psycopg2.connect(settings().server_url("postgres"))
    connection.autocommit = True
    with connection.cursor() as cursor:
        for room in ROOMS:
            name = sql.Identifier(settings().database(room))
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
    connection.close()
    forget_users("database")
    database.remove_rights(settings().server_url("postgres"), settings().namespace)


def forget_users(server: str) -> None:
    """Remove the users of the product's processes from a server."""
    run = Run.of(os.environ)
    known = make.logins(run, os.environ, server, programs.accounts(os.environ))
    if server not in make.shared(run):
        make.remove_users(os.environ, server, [login.user for login in known.values()])


def delete_queues() -> None:
    """Delete this namespace's queues."""
    rpc = [settings().amqp_name(f"rpc-{room}") for room in ROOMS]
    with Connection(settings().amqp_url) as connection:
        for name in [*queues.names(), *rpc]:
            connection.default_channel.queue_delete(name)
    forget_users("amqp")


if __name__ == "__main__":
    if settings().namespace == "pregon":
        raise SystemExit("This is the namespace of a product that is in use.")
    if "databases" in sys.argv:
        drop_databases()
    if "queues" in sys.argv:
        delete_queues()
    if "keys" in sys.argv:
        forget_keys(connect())
        forget_users("redis")
