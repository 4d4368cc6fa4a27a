"""A call that may hang, waited for no longer than one is willing to."""

from __future__ import annotations

import atexit
import os
import queue
import sys
import threading
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")
_FAILED, _INTERRUPTED = 1, 130


def within(seconds: float, call: Callable[[], _T]) -> _T:
    """What ``call`` returns or raises, if it does so in time.

    A call that is late goes on in a thread of its own, which does not keep the process from ending.

    Raises:
        TimeoutError: it did not.
    """
    outcomes: queue.SimpleQueue[tuple[_T | None, Exception | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            outcomes.put((call(), None))
        except Exception as error:  # handed to the caller, who raises it
            outcomes.put((None, error))

    thread = threading.Thread(target=run, daemon=True, name="allotment-deadline")
    thread.start()
    try:
        value, error = outcomes.get(timeout=seconds)
    except queue.Empty:
        atexit.register(_end_without, thread, _FAILED)
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    except KeyboardInterrupt:
        atexit.register(_end_without, thread, _INTERRUPTED)
        raise
    if error is not None:
        raise error
    return value  # type: ignore[return-value]


def _end_without(thread: threading.Thread, exit_code: int) -> None:
    """End the process at once if ``thread`` still runs: native code in it may crash or block an orderly end."""
    if thread.is_alive():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(exit_code)
