"""The SOAP server's process: `granian --interface wsgi services.risk_central.soap:app`."""

import multiprocessing
import os
import signal
import threading
import time
from typing import Never

from services.risk_central import store
from services.risk_central.door import Door
from shared import log
from shared.settings import settings

LOOK_SECONDS = 0.3  # between looks whether the server's main process is still there


def end_with_parent() -> None:
    """End this worker with the server's main process, however that ends.

    A main process that is killed takes nobody with it: its workers would go on listening, with
    old code, beside those of the next one. Nothing outside of a worker.
    """
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        threading.Thread(target=_watch, args=(parent.pid,), daemon=True).start()


def _watch(parent: int) -> Never:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


log.set_up("soap")
end_with_parent()
app = Door(store.connect(settings().redis_url), settings().soap_user, settings().soap_password)
