"""Benchmarks: `make bench [ONLY=name]`. Each prints one JSON line a figure."""

import importlib
import json
import pkgutil
import sys

from tests import bench
from tests.bench.figure import Figure


def main() -> None:
    """Run the benchmark named on the command line, or all. Exit code 2 for an unknown name."""
    names = sorted(
        item.name
        for item in pkgutil.iter_modules(bench.__path__)
        if item.name not in {"__main__", "figure"}
    )
    wanted = sys.argv[1:] or names
    if unknown := set(wanted) - set(names):
        sys.exit(f"No such benchmark: {', '.join(unknown)}. There are: {', '.join(names)}.")
    for name in wanted:
        figures: list[Figure] = importlib.import_module(f"tests.bench.{name}").run()
        for figure in figures:
            print(json.dumps(figure.__dict__), flush=True)


if __name__ == "__main__":
    main()
