"""risk_central's job: loading the bureau's file."""

from services.risk_central.load import RISKS
from shared import jobs
from shared.loads import work


@jobs.job(RISKS.task, failed=RISKS.fail)
def load_file(load_id: int) -> None:
    """Load a risk file; run again, it goes on where it was.

    Redis being down, or another load at work, makes it wait and try again.
    """
    work.run(RISKS, load_id)
