"""`make hostile [ONLY=family] [SEED=n]`: everything odd to the whole product, a line a family."""

import json
import os
import sys
from collections.abc import Callable, Iterator

from tests.hostile import (
    api_fields,
    designs,
    document,
    files,
    memory,
    page_fields,
    smtp_lines,
    soap_messages,
    world,
)
from tests.hostile.tally import Tally
from tests.product import Product, running

FAMILIES: dict[str, Callable[[world.World, int | None, int], Tally]] = {
    "api_fields": api_fields.attack,
    "page_fields": page_fields.attack,
    "files": files.attack,
    "designs": designs.attack,
    "smtp_servers": smtp_lines.attack,
    "document": document.attack,
    "soap_messages": soap_messages.attack,
}

_EXPLAINED = 20  # failures whose log is shown


def main() -> None:
    """Run the family named on the command line, or all; exits 1 where one is not as it must be."""
    wanted = sys.argv[1:] or list(FAMILIES)
    if unknown := set(wanted) - set(FAMILIES):
        sys.exit(f"No such family: {', '.join(unknown)}. There are: {', '.join(FAMILIES)}.")
    each = int(os.environ["EACH"]) if "EACH" in os.environ else None
    good = [_run(name, each, int(os.environ.get("SEED", "1"))) for name in wanted]
    sys.exit(0 if all(good) else 1)


def _run(name: str, each: int | None, seed: int) -> bool:
    """One family on a product of its own."""
    with running() as product:
        made = world.make(product)
        before = memory.held(product)
        tally = FAMILIES[name](made, each, seed)
        grown = memory.grown(before, memory.held(product))
        told = "".join(_logged(product, tally.traces))
    print(told, end="", file=sys.stderr)
    print(
        json.dumps(tally.line() | {"seed": seed, "grown_mb": grown}, ensure_ascii=False), flush=True
    )
    return tally.is_good and not grown


def _logged(product: Product, traces: list[str]) -> Iterator[str]:
    """What the product's logs say of the first requests that failed: its files go with it."""
    wanted = [trace for trace in traces if trace][:_EXPLAINED]
    for path in sorted((product.run_dir / "log").glob("*.log")):
        with path.open(errors="replace") as lines:
            yield from (line for line in lines if any(trace in line for trace in wanted))


if __name__ == "__main__":
    main()
