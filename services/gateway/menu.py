"""The side menu: what a user may open, in the order of the work."""

from dataclasses import dataclass

from shared.contracts.identity import Permission
from shared.settings import settings

P = Permission


@dataclass(frozen=True)
class Entry:
    """One page of the menu; any one of the permissions opens it."""

    label: str
    path: str
    icon: str
    purpose: str
    permissions: frozenset[Permission]

    def is_current(self, path: str) -> bool:
        """Whether `path` is this page or one under it."""
        return path == self.path or path.startswith(f"{self.path}/")


@dataclass(frozen=True)
class Section:
    """Entries under one heading."""

    label: str
    entries: tuple[Entry, ...]


def _entry(label: str, path: str, icon: str, purpose: str, *permissions: Permission) -> Entry:
    return Entry(label, path, icon, purpose, frozenset(permissions))


_MAIL_CATCHER = "/correo-demo"

SECTIONS = (
    Section(
        "Clientes",
        (
            _entry(
                "Clientes",
                "/clientes",
                "users",
                "Buscar clientes y ver su historia",
                P.CUSTOMER_READ,
            ),
            _entry("Segmentos", "/segmentos", "filter", "Elegir a quién llegar", P.SEGMENT_READ),
            _entry(
                "Central de riesgos",
                "/central-de-riesgos",
                "shield-check",
                "Calificación y deudas de las personas",
                P.RISK_LOAD,
                P.RISK_CHECK,
            ),
        ),
    ),
    Section(
        "Marketing",
        (
            _entry(
                "Campañas",
                "/campanas",
                "speakerphone",
                "Las campañas, sus fases y resultados",
                P.CAMPAIGN_READ,
            ),
            _entry("Diseños", "/disenos", "template", "Diseños de correo", P.DESIGN_WRITE),
            _entry(
                "Envíos", "/envios", "mail-fast", "Correo de las campañas y su avance", P.MAIL_READ
            ),
            _entry(
                "Estadísticas",
                "/estadisticas",
                "chart-bar",
                "Resultados por campaña, provincia y asesor",
                P.STATISTICS_READ,
            ),
        ),
    ),
    Section(
        "Telemarketing",
        (
            _entry("Llamadas", "/llamadas", "headset", "Atender al siguiente cliente", P.CALL_WORK),
            _entry(
                "Agenda",
                "/agenda",
                "calendar-event",
                "Llamadas que quedaron agendadas",
                P.CALL_WORK,
                P.CALL_READ_ALL,
            ),
            _entry(
                "Asignaciones",
                "/asignaciones",
                "user-check",
                "Repartir clientes entre los asesores",
                P.ASSIGN,
            ),
        ),
    ),
    Section(
        "Administración",
        (
            _entry("Usuarios", "/usuarios", "users-group", "Usuarios y sus roles", P.USER_WRITE),
            _entry(
                "Correo de prueba",
                _MAIL_CATCHER,
                "inbox",
                "Los mensajes que salieron en la demostración",
                P.OPERATIONS,
                P.MAIL_READ,
            ),
        ),
    ),
)


def sections_for(permissions: frozenset[Permission]) -> list[Section]:
    """The menu of a user with these permissions, without headings that would stand alone."""
    sections = [
        Section(section.label, tuple(e for e in section.entries if _is_open(e, permissions)))
        for section in SECTIONS
    ]
    return [section for section in sections if section.entries]


def _is_open(entry: Entry, permissions: frozenset[Permission]) -> bool:
    if entry.path == _MAIL_CATCHER and not settings().mail_catcher_dir:
        return False
    return bool(entry.permissions & permissions)
