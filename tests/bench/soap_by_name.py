"""FindRiskByName of the commonest names and surnames, one and two of them, in a process alone.

`N=200000` customers by default, ten times the demo's; their risks are loaded by the product's own
store. Time of the processor counts: what else the machine does is not the question's.
"""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from infra.demo.customers import customers
from infra.demo.risk import risk_rows
from infra.native import environment, servers
from tests.bench.figure import Figure

_JOB = "tests.bench.soap_by_name"
_COMMON, _QUESTIONS, _BATCH = 30, 60, 20_000


def run() -> list[Figure]:
    """Median and 95th percentile."""
    wanted = os.environ.get("N", "200000")
    with servers.running(environment.given()) as settings:
        command = [sys.executable, "-W", "ignore", "-m", _JOB, wanted]
        environ = {**os.environ, **settings}
        done = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
    median, slow = (float(figure) for figure in done.stdout.split())
    return [
        Figure("soap_by_name_p50", median, "ms", None, None),
        Figure("soap_by_name", slow, "ms", round(20 / slow, 2), "20 ms"),
    ]


def _measured(wanted: int) -> Iterator[float]:
    from services.risk_central import lookups, store
    from shared.contracts.risk_central import RiskReport
    from shared.settings import settings

    redis = store.connect(settings().redis_url, 30)
    words: Counter[str] = Counter()
    rows = (RiskReport.model_validate(row) for row in risk_rows(customers(wanted)))
    while batch := list(islice(rows, _BATCH)):
        store.write(redis, store.compare(redis, batch))
        words.update(word for report in batch for word in report.full_name.split())
    for asked in _questions([word for word, _ in words.most_common(_COMMON)]):
        began = time.process_time()
        lookups.find_risk_by_name(redis, asked, None)
        yield (time.process_time() - began) * 1000


def _questions(common: list[str]) -> list[str]:
    draw = random.Random(1)
    return [" ".join(draw.sample(common, count)) for count in (1, 2) for _ in range(_QUESTIONS)]


if __name__ == "__main__":
    taken = sorted(_measured(int(sys.argv[1])))
    print(round(taken[len(taken) // 2], 1), round(taken[len(taken) * 95 // 100], 1))
