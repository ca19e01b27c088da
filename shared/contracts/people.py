"""What all rooms say of people: gender, category, the channels, and why somebody is not reached."""

from shared.words import Term


class Gender(Term):
    """As in the customer file."""

    FEMALE = "F", "Femenino", "Mujeres"
    MALE = "M", "Masculino", "Hombres"
    OTHER = "X", "Otro"


class Category(Term):
    """By tenure: under 1 year, 1 to 10, over 10; or set by hand, with a reason."""

    NEW = "new", "Nuevo", "Nuevos"
    REGULAR = "regular", "Regular", "Regulares"
    LOYAL = "loyal", "Leal", "Leales"


class Channel(Term):
    """The ways a campaign reaches a person."""

    MAIL = "mail", "Correo"
    PHONE = "phone", "Teléfono"


class Block(Term):
    """Why a person is not reachable by a channel; the first that applies, in this order."""

    DO_NOT_CONTACT = "do_not_contact", "No contactar"
    NO_CONSENT = "no_consent", "Sin consentimiento"
    NO_ADDRESS = "no_address", "Sin correo o teléfono"
    BOUNCED = "bounced", "Correo rebotado"
    OVER_CAP = "over_cap", "Sobre el límite de contactos"


class Exclusion(Term):
    """What holds people of a segment back, as its count tells it."""

    NO_CONSENT = Block.NO_CONSENT, Block.NO_CONSENT.word
    DO_NOT_CONTACT = Block.DO_NOT_CONTACT, Block.DO_NOT_CONTACT.word
    BOUNCED = Block.BOUNCED, Block.BOUNCED.word
    OVER_CAP = Block.OVER_CAP, Block.OVER_CAP.word
    IN_OTHER_CAMPAIGN = "in_other_campaign", "En otra campaña en curso"
