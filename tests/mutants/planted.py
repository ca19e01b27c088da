"""All planted faults, by what they break."""

from tests.mutants import (
    accounts,
    audit,
    bounds,
    calls,
    campaigns,
    customers,
    designs,
    doors,
    house,
    kit,
    mail,
    neighbours,
    odd_input,
    scopes,
    soap,
    taking_in,
    teams,
    tokens,
)
from tests.mutants.mutant import Mutant

MUTANTS: list[Mutant] = [
    *house.MUTANTS,
    *kit.MUTANTS,
    *bounds.MUTANTS,
    *customers.MUTANTS,
    *campaigns.MUTANTS,
    *mail.MUTANTS,
    *designs.MUTANTS,
    *calls.MUTANTS,
    *doors.MUTANTS,
    *odd_input.MUTANTS,
    *soap.MUTANTS,
    *taking_in.MUTANTS,
    *accounts.MUTANTS,
    *audit.MUTANTS,
    *teams.MUTANTS,
    *scopes.MUTANTS,
    *neighbours.MUTANTS,
    *tokens.MUTANTS,
]
