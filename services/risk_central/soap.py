"""The SOAP server's process: `granian --interface wsgi services.risk_central.soap:app`."""

import multiprocessing
import os
import signal
import threading
import time
from typing import Never

from services.risk_central import store
from services.risk_central.door import Door
from services.risk_central.patience import Patience
from shared import log
from shared.settings import settings

LOOK_SECONDS = 0.3  # between looks whether the server's main process is still there


def watch() -> None:
    """Cut whoever keeps a worker waiting, and end it with the server's main process.

    However that ends: one that is killed takes nobody with it, and its workers would go on
    listening, with old code, beside those of the next one. Nothing outside of a worker.
    """
    parent = multiprocessing.parent_process()
    if parent is not None and parent.pid is not None:
        threading.Thread(target=_watch, args=(parent.pid,), daemon=True).start()
        Patience().keep_looking()


def _watch(parent: int) -> Never:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


log.set_up("soap")
watch()
app = Door(store.connect(settings().redis_url), settings().soap_user, settings().soap_password)
