"""A progress bar where a person looks on; silence in logs and pipes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from quantbench.engine.trials import Batch

__all__ = ["shown"]


def shown(batches: Iterable[Batch], total: int, *, on: bool) -> Iterator[Batch]:
    """Yield the batches, and show how many of `total` trials are done."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    if not (on and (console.is_terminal or console.is_jupyter)):
        yield from batches
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(f"{total:,} trials", total=total)
        for batch in batches:
            bar.advance(task, len(batch.failures))
            yield batch
