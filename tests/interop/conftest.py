"""The servers are those of `tests/soap`."""

from tests.soap.conftest import bureau as bureau
from tests.soap.conftest import pytest_configure as pytest_configure
from tests.soap.conftest import server as server
