"""All planted faults, by what they break."""

from tests.mutants import calls, customers, doors, kit, mail
from tests.mutants.mutant import Mutant

MUTANTS: list[Mutant] = [
    *kit.MUTANTS,
    *customers.MUTANTS,
    *mail.MUTANTS,
    *calls.MUTANTS,
    *doors.MUTANTS,
]
