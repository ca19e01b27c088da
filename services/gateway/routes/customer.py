"""Customers: list, profile, consents, personal data, erasure."""

from typing import Any

from fastapi import Request
from starlette.responses import Response

from services.gateway import addresses, menu, places
from services.gateway.asking import Ask, Asker
from services.gateway.forms import FORM_ERRORS, Form, read_form
from services.gateway.personal import find_record
from services.gateway.rendering import go, is_partial, render, render_form
from services.gateway.routing import Pages
from services.gateway.session import SignedIn
from shared.contract import Id, Model
from shared.contracts.audit import AuditKind, record_export
from shared.contracts.customer_query import (
    Category,
    Channel,
    Customer,
    CustomerChange,
    CustomerPermission,
    Gender,
    NewCustomer,
    Occasion,
    PersonalField,
    Revealed,
    create_customer,
    erase_customer,
    find_customer,
    get_customer,
    list_customers,
    list_timeline,
    reveal_customer,
    update_customer,
)
from shared.errors import NotFound

pages = Pages()
menu.add(
    menu.Heading.CUSTOMERS,
    10,
    "Clientes",
    "/clientes",
    CustomerPermission.READ,
    icon="users",
    purpose="Buscar clientes y ver su historia",
)

_CHOICES: dict[str, Any] = {
    "genders": list(Gender),
    "categories": list(Category),
    "channels": list(Channel),
    "provinces": places.province_options(),
    "cantons": places.canton_options(),
}


@pages.get("/clientes", allow=CustomerPermission.READ)
async def show_customers(
    request: Request,
    ask: Ask,
    search: addresses.Search = "",
    province: addresses.Province = "",
    category: addresses.Category = "",
    after: addresses.After = None,
) -> Response:
    """Customers by surname, those that are searched for."""
    filters: dict[str, Any] = {
        "search": search, "province": province, "category": category, "after": after
    }  # fmt: skip
    return await _render_list(request, ask, Form({"occasion": [Occasion.CALLING]}), **filters)


@pages.get("/clientes/abrir", allow=CustomerPermission.FIND)
async def leave_opening(request: Request) -> Response:
    """Where the list's links lead after a number that opened nobody: to the list."""
    return go(request, str(request.url.replace(path="/clientes", scheme="", netloc="")))


@pages.post("/clientes/abrir", allow=CustomerPermission.FIND)
async def open_profile(request: Request, ask: Ask) -> Response:
    """Lead to the profile of the person who calls."""
    form = await read_form(request)
    try:
        asked = form.parse(_Caller)
        customer = await ask(find_customer, asked.number, asked.occasion)
    except (*FORM_ERRORS, NotFound) as error:
        return await _render_list(request, ask, form.failed(error))
    notice = "La ficha queda abierta una hora, y en ella el motivo."
    return go(request, f"/clientes/{customer.id}", notice=notice)


class _Caller(Model):
    number: str
    occasion: Occasion


async def _render_list(
    request: Request,
    ask: Asker,
    form: Form,
    *,
    search: str = "",
    province: str = "",
    category: str = "",
    after: str | None = None,
) -> Response:
    found = await ask(
        list_customers,
        search=search.strip() or None,
        province=province or None,
        category=Category(category) if category in set(Category) else None,
        after=after,
    )
    chosen: dict[str, Any] = {"search": search, "province": province, "category": category}
    return render_form(
        request,
        "customer/list.html",
        form,
        customers=found,
        place=places.place,
        occasions=list(Occasion),
        **chosen,
        **_CHOICES,
    )


@pages.get("/clientes/nuevo", allow=CustomerPermission.WRITE)
async def show_new_customer(request: Request) -> Response:
    """An empty form."""
    return render_form(request, "customer/new.html", Form(), **_CHOICES)


@pages.post("/clientes/nuevo", allow=CustomerPermission.WRITE)
async def add_customer(request: Request, ask: Ask) -> Response:
    """Create a customer."""
    form = await read_form(request)
    try:
        customer = await ask(create_customer, form.parse(NewCustomer))
    except FORM_ERRORS as error:
        return render_form(request, "customer/new.html", form.failed(error), **_CHOICES)
    return go(request, f"/clientes/{customer.id}", notice="Se creó el cliente.")


@pages.get("/clientes/{customer_id:int}", allow=CustomerPermission.READ)
async def show_customer(
    request: Request, customer_id: Id, ask: Ask, after: addresses.After = None
) -> Response:
    """A profile with its time line."""
    customer = await ask(get_customer, customer_id)
    return await _render_profile(request, ask, Form.of(customer), customer, after)


@pages.post(
    "/clientes/{customer_id:int}/mostrar",
    allow=frozenset({CustomerPermission.REVEAL, CustomerPermission.PERSONAL}),
)
async def reveal(request: Request, customer_id: Id, ask: Ask) -> Response:
    """Personal values whole, for this page only: the part with them, or the profile."""
    asked = (await read_form(request)).parse(_Asked)
    revealed = await ask(reveal_customer, customer_id, asked.fields)
    if is_partial(request):
        return render(request, "customer/revealed.html", fields=asked.fields, revealed=revealed)
    customer = _with(await ask(get_customer, customer_id), revealed, asked.fields)
    return await _render_profile(request, ask, Form.of(customer), customer)


class _Asked(Model):
    fields: list[PersonalField]


def _with(customer: Customer, revealed: Revealed, fields: list[PersonalField]) -> Customer:
    values: dict[str, Any] = {field.value: getattr(revealed, field.value) for field in fields}
    left = [name for name in customer.masked if name not in values]
    return customer.model_copy(update={**values, "masked": left})


@pages.get("/clientes/{customer_id:int}/editar", allow=CustomerPermission.WRITE)
async def show_edit(request: Request, customer_id: Id, ask: Ask, session: SignedIn) -> Response:
    """The profile as a form; a category by tenure shows as none chosen.

    What is masked is revealed first, which is on record, or is not on the form.
    """
    customer = await ask(get_customer, customer_id)
    hidden = [PersonalField(name) for name in customer.masked]
    if hidden and CustomerPermission.REVEAL in session.permissions:
        customer = _with(customer, await ask(reveal_customer, customer_id, hidden), hidden)
    shown = customer
    if customer.category_reason is None:
        shown = customer.model_copy(update={"category": None})
    return _render_edit(request, Form.of(shown), customer)


@pages.post("/clientes/{customer_id:int}/editar", allow=CustomerPermission.WRITE)
async def edit_customer(request: Request, customer_id: Id, ask: Ask, session: SignedIn) -> Response:
    """Change the profile; emptied fields are emptied."""
    form = await read_form(request)
    try:
        await ask(update_customer, customer_id, form.parse(CustomerChange))
    except FORM_ERRORS as error:
        customer = await ask(get_customer, customer_id)
        if CustomerPermission.REVEAL in session.permissions:  # all was on the form
            customer = customer.model_copy(update={"masked": []})
        return _render_edit(request, form.failed(error), customer)
    return go(request, f"/clientes/{customer_id}", notice="Se guardaron los cambios.")


@pages.post("/clientes/{customer_id:int}/consentimientos", allow=CustomerPermission.WRITE)
async def change_consents(request: Request, customer_id: Id, ask: Ask) -> Response:
    """What the person agreed to; the change goes into the consent ledger."""
    form = await read_form(request)
    try:
        await ask(update_customer, customer_id, form.parse(CustomerChange))
    except FORM_ERRORS as error:
        customer = await ask(get_customer, customer_id)
        return await _render_profile(request, ask, form.failed(error), customer)
    notice = "Se guardaron los consentimientos."
    return go(request, f"/clientes/{customer_id}", notice=notice)


@pages.get("/clientes/{customer_id:int}/datos-personales", allow=CustomerPermission.READ)
async def show_personal_data(
    request: Request, customer_id: Id, ask: Ask, session: SignedIn
) -> Response:
    """Everything held on a person, to be printed or handed over."""
    held = await find_record(ask, session, customer_id)
    return render(
        request,
        "customer/personal_data.html",
        held=held,
        place=places.place,
    )


@pages.get("/clientes/{customer_id:int}/datos-personales.json", allow=CustomerPermission.READ)
async def download_personal_data(customer_id: Id, ask: Ask, session: SignedIn) -> Response:
    """The same as a file that other systems read; taking it away is on record."""
    await ask(record_export, AuditKind.CUSTOMER, str(customer_id))
    held = await find_record(ask, session, customer_id)
    name = f"datos-personales-{customer_id}.json"
    return Response(
        held.model_dump_json(indent=2),
        media_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@pages.get("/clientes/{customer_id:int}/eliminar", allow=CustomerPermission.ERASE)
async def show_erase(request: Request, customer_id: Id, ask: Ask) -> Response:
    """What erasing means, and the question why."""
    customer = await ask(get_customer, customer_id)
    return render_form(request, "customer/erase.html", Form(), customer=customer)


@pages.post("/clientes/{customer_id:int}/eliminar", allow=CustomerPermission.ERASE)
async def erase(request: Request, customer_id: Id, ask: Ask) -> Response:
    """Anonymise for good."""
    form = await read_form(request)
    try:
        await ask(erase_customer, customer_id, form.value("reason"))
    except FORM_ERRORS as error:
        customer = await ask(get_customer, customer_id)
        return render_form(request, "customer/erase.html", form.failed(error), customer=customer)
    return go(request, "/clientes", notice="Se eliminaron los datos personales del cliente.")


async def _render_profile(
    request: Request, ask: Asker, form: Form, customer: Customer, after: str | None = None
) -> Response:
    return render_form(
        request,
        "customer/profile.html",
        form,
        customer=customer,
        timeline=await ask(list_timeline, customer.id, after=after),
        place=places.place,
    )


def _render_edit(request: Request, form: Form, customer: Customer) -> Response:
    shown = {"customer": customer, "hidden": customer.masked}
    return render_form(request, "customer/edit.html", form, **shown, **_CHOICES)
