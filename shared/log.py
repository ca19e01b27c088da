"""Structured logs on standard output: one JSON object a line, with the trace id of its work."""

import logging
import re
import sys

import structlog

from shared import faults
from shared.settings import settings

_SECRET = re.compile(r"(?<=://)([^:/@\s]+):[^@\s]+@")
_NOISY = ("amqp", "aiormq", "aio_pika", "celery.redirected", "kombu", "nameko", "zeep", "httpx")


def set_up(process: str) -> None:
    """Send every log of this process, also those of libraries, through structlog."""

    def name_process(
        _logger: object, _method: str, event: structlog.typing.EventDict
    ) -> structlog.typing.EventDict:
        """Context variables do not reach every thread and greenlet; this does."""
        event["process"] = process
        return event

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        name_process,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.ExceptionRenderer(faults.render),
        hide_passwords,
        hide_data,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.addFilter(shorten_errors)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer()],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings().log_level)
    logging.getLogger("nameko.containers").setLevel(logging.ERROR)  # errors given on purpose
    logging.getLogger("celery.app.trace").setLevel(logging.CRITICAL)  # `shared.job` tells of them
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


def hide_passwords(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Blank the password of any URL: with several brokers the libraries log it."""
    for key, value in event.items():
        if isinstance(value, str) and "://" in value:
            event[key] = _SECRET.sub(r"\1:…@", value)
    return event


def hide_data(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Cut what libraries quote of people's rows, and the words of unsubscribe links."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = faults.redact(value)
    return event


def shorten_errors(record: logging.LogRecord) -> bool:
    """Libraries log errors as text, with all that they hold: of those only the brief form stays."""
    if isinstance(record.args, tuple):
        record.args = tuple(_shortened(value) for value in record.args)
    elif isinstance(record.args, dict):
        record.args = {name: _shortened(value) for name, value in record.args.items()}
    if isinstance(record.msg, BaseException):
        record.msg = faults.brief(record.msg)
    return True


def _shortened(value: object) -> object:
    return faults.brief(value) if isinstance(value, BaseException) else value


def _renderer() -> structlog.typing.Processor:
    if settings().log_format == "text":
        return structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        )
    return structlog.processors.JSONRenderer()


def get(name: str) -> structlog.stdlib.BoundLogger:
    """The logger of a module. Personal data is not for logs: ids only."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
