"""New passwords for a running product: `make rotate-keys`.

The next users are made beside the present ones, the processes become them one after the other, and
then the former users are removed: at no moment is anybody refused. A key that signs links is kept
as a former one, by which links in mails of its time still hold.
"""

from collections.abc import Mapping

from infra.accounts import make
from infra.accounts.table import SERVERS, Account
from infra.native.run import Run


class Rotation:
    """The two halves of it, between which the processes are started anew."""

    def __init__(self, run: Run, environ: Mapping[str, str], accounts: list[Account]) -> None:
        self._run, self._environ, self._accounts = run, environ, accounts
        self._former = {
            server: [login.user for login in make.logins(run, environ, server, accounts).values()]
            for server in SERVERS
        }

    def begin(self) -> None:
        """Make the next users and write them into the files; both are let in."""
        self._run.generated.count_up("accounts")
        make.make(self._run, self._environ, self._accounts)

    def end(self) -> None:
        """Remove the former users; whoever still is one is put out."""
        for server in SERVERS:
            if server not in make.shared(self._run):
                make.remove_users(self._environ, server, self._former[server])
