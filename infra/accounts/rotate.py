"""New passwords for a running product: `make rotate-keys`.

The next users are made beside the present ones, the processes become them one after the other, and
then the former users are removed: at no moment is anybody refused. The keys that sign links and
actors are kept as former ones; gateway and beat, who vouch for others, come after those who have
to believe them.
"""

from collections.abc import Mapping

from infra.accounts import make
from infra.accounts.table import SERVERS, Account
from infra.native import environment, signing_keys
from infra.native.run import Run


def _signing(run: Run) -> dict[str, str]:
    return signing_keys.of(run, {})


class Rotation:
    """The two halves of it, between which the processes are started anew."""

    def __init__(self, run: Run, environ: Mapping[str, str], accounts: list[Account]) -> None:
        self._run, self._environ, self._accounts = run, dict(environ), accounts
        self._former = {
            server: [login.user for login in make.logins(run, environ, server, accounts).values()]
            for server in SERVERS
        }

    def begin(self) -> dict[str, str]:
        """Make the next users and keys and write them into the files; both count.

        Gives back the settings of now. A key that the user gave is the user's to change.
        """
        self._run.generated.count_up("accounts")
        for name, of in (("links", environment.links), ("signing", _signing)):
            made = of(self._run)
            if all(self._environ.get(key) == value for key, value in made.items()):
                self._run.generated.count_up(name)
                self._environ |= of(self._run)
        environment.write(self._run, self._environ)
        make.make(self._run, self._environ, self._accounts)
        return self._environ

    def end(self) -> None:
        """Remove the former users; whoever still is one is put out."""
        for server in SERVERS:
            if server not in make.shared(self._run):
                make.remove_users(self._environ, server, self._former[server])
