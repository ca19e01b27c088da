"""A route of the API made from a procedure: parameters, body, answer and text are the contract's.

Names in the path are path parameters. Of the rest, GET and DELETE take all in the address; POST,
PUT and PATCH take a body: the procedure's one model or, made here, one of its plain arguments,
which may be left out when all of them may.
"""

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any

from fastapi import Body, Query
from pydantic import BaseModel, create_model
from starlette.responses import Response

from services.gateway.asking import Ask, Asker
from shared.contract import Model, Page, Procedure

_BODY = "body"
_IN_PATH = re.compile(r"{(\w+)")


@dataclass(frozen=True)
class Exposure:
    """Where a route departs from what follows from its procedure."""

    status: int = 200
    body: str = ""  # name of the body's schema, where it is made from plain arguments
    query: tuple[str, ...] = ()  # arguments of a POST that stand in the address
    names: Mapping[str, str] = field(default_factory=dict)  # of arguments in the address
    none: str = ""  # what it means when there is nothing to give: 204
    hidden: frozenset[str] = frozenset()  # fields of the reply that stay inside


class Endpoint:
    """Asks one procedure; FastAPI reads its signature for the parameters and the document."""

    def __init__(
        self, method: str, path: str, procedure: Procedure[..., Any], how: Exposure
    ) -> None:
        self._procedure = procedure
        self._how = how
        self.__name__ = procedure.name
        self.__doc__ = procedure.__doc__
        self.__signature__ = inspect.Signature(  # noqa: V101  # FastAPI reads it
            [_keyword("ask", Ask), *_parameters(method, path, procedure, how)]
        )

    async def __call__(self, ask: Asker, **given: Any) -> Response:
        """Ask, and answer with the reply as JSON."""
        reply = await ask(self._procedure, **self._arguments(given))
        if self._how.status == 204 or (reply is None and self._how.none):
            return Response(status_code=204)
        return Response(
            self._procedure.reply_json(reply, _excluded(self._procedure.reply, self._how.hidden)),
            self._how.status,
            media_type="application/json",
        )

    def _arguments(self, given: dict[str, Any]) -> dict[str, Any]:
        body = given.pop(_BODY, None)
        if body is None:
            return given
        if model := _only_model(self._procedure, given):
            return given | {model: body}
        return given | {name: getattr(body, name) for name in body.model_fields_set}


def _parameters(
    method: str, path: str, procedure: Procedure[..., Any], how: Exposure
) -> list[inspect.Parameter]:
    in_path = _IN_PATH.findall(path)
    everywhere = method in ("GET", "DELETE")
    shown, rest = [], []
    for parameter in procedure.parameters:
        if parameter.name in in_path:
            shown.append(_keyword(parameter.name, parameter.annotation))
        elif everywhere or parameter.name in how.query:
            shown.append(_in_address(parameter, how.names.get(parameter.name)))
        else:
            rest.append(parameter)
    return [*shown, *([_body(procedure, rest, how.body)] if rest else [])]


def _in_address(parameter: inspect.Parameter, name: str | None) -> inspect.Parameter:
    return _keyword(
        parameter.name, Annotated[parameter.annotation, Query(alias=name)], parameter.default
    )


def _body(
    procedure: Procedure[..., Any], rest: list[inspect.Parameter], name: str
) -> inspect.Parameter:
    body = Body(openapi_examples={"example": {"value": procedure.example}})
    if len(rest) == 1 and _is_model(rest[0].annotation):
        return _keyword(_BODY, Annotated[rest[0].annotation, body])
    model = _model_of(procedure, rest, name)
    if all(parameter.default is not parameter.empty for parameter in rest):
        return _keyword(_BODY, Annotated[model | None, body], None)
    return _keyword(_BODY, Annotated[model, body])


def _model_of(
    procedure: Procedure[..., Any], rest: list[inspect.Parameter], name: str
) -> type[BaseModel]:
    fields: dict[str, Any] = {
        parameter.name: (
            parameter.annotation,
            ... if parameter.default is parameter.empty else parameter.default,
        )
        for parameter in rest
    }
    name = name or procedure.name.title().replace("_", "")
    return create_model(name, __base__=Model, __doc__=f"Body of `{procedure.name}`.", **fields)


def _only_model(procedure: Procedure[..., Any], given: Mapping[str, Any]) -> str | None:
    """The argument that is the whole body, when that is a model of the contract."""
    rest = [parameter for parameter in procedure.parameters if parameter.name not in given]
    return rest[0].name if len(rest) == 1 and _is_model(rest[0].annotation) else None


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _keyword(name: str, kind: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)


# --- replies ---


def _excluded(reply: Any, hidden: frozenset[str]) -> Any:
    if not hidden:
        return None
    return {"items": {"__all__": hidden}} if _item(reply) else hidden


def documented(reply: Any, hidden: frozenset[str] = frozenset()) -> Any:
    """The type of an answer: the reply's, without nothing (204) and without the hidden fields."""
    if isinstance(reply, UnionType):
        reply = reply.__args__[0]
    if not hidden:
        return reply
    item = _item(reply)
    return Page[_without(item, hidden)] if item else _without(reply, hidden)  # type: ignore[misc]  # made at run time


def _item(reply: Any) -> Any:
    """What a page is of; None for other replies."""
    made = getattr(reply, "__pydantic_generic_metadata__", {})
    return made["args"][0] if made.get("origin") is Page else None


@lru_cache
def _without(model: type[BaseModel], hidden: frozenset[str]) -> type[BaseModel]:
    """The model's own name and text, so that the document speaks of one thing."""
    kept: dict[str, Any] = {
        name: (kind.annotation, kind)
        for name, kind in model.model_fields.items()
        if name not in hidden
    }
    return create_model(model.__name__, __base__=Model, __doc__=model.__doc__, **kept)
