"""What the processes of a product hold, by the kernel."""

from pathlib import Path

from tests.product import Product

GROWTH_BYTES = 200 << 20  # no process may grow by more


def held(product: Product) -> dict[str, int]:
    """Bytes (resident) by process: its number and what it is."""
    mark = f"PREGON_RUN_DIR={product.run_dir}\0".encode()
    return {
        name: size
        for folder in Path("/proc").glob("[0-9]*")
        if (found := _look(folder, mark)) is not None
        for name, size in [found]
    }


def _look(folder: Path, mark: bytes) -> tuple[str, int] | None:
    try:
        if mark not in (folder / "environ").read_bytes() + b"\0":
            return None
        pages = int((folder / "statm").read_text().split()[1])
        command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (OSError, IndexError):
        return None  # it has just ended
    return f"{folder.name} {command[-60:].strip()}", pages * 4096


def grown(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
    """Megabytes by which a process has grown beyond the limit."""
    growth = {name: size - before.get(name, size) for name, size in after.items()}
    return {name: size >> 20 for name, size in growth.items() if size > GROWTH_BYTES}
