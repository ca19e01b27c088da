"""Customers in customer_query's database, made by its own store."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from infra.demo.customers import customers
from services.customer_query import profiles, store
from services.customer_query.models import Customer
from shared.ecuador import provinces


def insert_person(session: Session, **values: Any) -> Customer:
    """A customer with these columns; the others as plausible as little as may be."""
    usual: dict[str, Any] = {"first_names": "Ana", "last_names": "Mora"}
    checked = usual | values
    checked.setdefault("cedula", next_cedula())
    joined_on = checked.setdefault("joined_on", date(2020, 1, 1))
    derived = {
        "search": profiles.search_text(checked["first_names"], checked["last_names"]),
        "category": profiles.category_of(joined_on, date(2026, 11, 20)).value,
    }
    return store.insert_customer(session, derived | checked)


def insert_people(session: Session, count: int, seed: int = 1) -> list[int]:
    """Customers as the demo draws them; returns their ids."""
    return [
        insert_person(
            session,
            cedula=row["cedula"],
            first_names=row["nombres"],
            last_names=row["apellidos"],
            gender=row["genero"],
            birth_on=date.fromisoformat(row["fecha_nacimiento"]),
            province=provinces.parse_province(row["provincia"]).code,
            email=row["email"] or None,
            phone=row["telefono"] or None,
            consent_mail=row["acepta_correo"] == "sí",
            consent_phone=row["acepta_llamadas"] == "sí",
        ).id
        for row in customers(count, seed)
    ]


_cedulas: Iterable[str] = (row["cedula"] for row in customers(100_000, seed=701))


def next_cedula() -> str:
    """One that no other person of the test run has."""
    return next(iter(_cedulas))
