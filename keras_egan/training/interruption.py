"""When a running `fit` writes a backup, and signals that wait for one."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np

from keras_egan.backend import distributed

_NAMES = ("SIGINT", "SIGTERM", "SIGBREAK")  # the last is Windows' own
_SECONDS = 1.0


class Signals:
    """Ctrl-C and SIGTERM, which wait until a backup is written and then do what they always do.

    Python delivers signals to the main thread, so a `fit` in another thread holds none. A second
    Ctrl-C acts at once.
    """

    def __init__(self) -> None:
        self.received = 0
        self._time = 0.0
        self._process = os.getpid()
        self._previous: dict[int, Any] = {}

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold signals back within the context; one that is still held at its end then acts."""
        if threading.current_thread() is threading.main_thread():
            for number in (getattr(signal, name) for name in _NAMES if hasattr(signal, name)):
                handler = signal.getsignal(number)
                if handler not in (None, signal.SIG_IGN):  # None: not set from Python
                    self._previous[number] = signal.signal(number, self._note)
        try:
            yield
        finally:
            self.release()

    def release(self) -> None:
        """Restore the previous handlers, and send the held signal to this process again."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous.clear()
        number, self.received = self.received, 0
        if number:
            signal.raise_signal(number)

    def _note(self, number: int, frame: FrameType | None) -> None:
        # Launchers send a signal again that the terminal has already sent to the whole group.
        again = number == signal.SIGINT and time.monotonic() - self._time > _SECONDS
        child = os.getpid() != self._process  # such as a worker of a loader
        if child or (self.received and again):
            self.received = number
            self.release()
        elif not self.received:
            self.received, self._time = number, time.monotonic()


class Turns:
    """The steps before which `fit` writes a backup: the same on all processes.

    Args:
        every: the number of steps between backups, or None.
        minutes: the number of minutes between backups, or None.
        signals: the held signals, which ask for a backup.
    """

    def __init__(self, every: int | None, minutes: float | None, signals: Signals):
        self.every = every
        self.minutes = minutes
        self.signals = signals
        self.ending = False
        self._written = time.monotonic()
        self._asked: tuple[int, float] | None = None
        self._next = 0

    def due(self, step: int, saved: int) -> bool:
        """Return whether to write a backup before a step; `saved` is the last backup's step.

        `ending` then tells whether a signal is the reason.
        """
        asked = self._agreed(step)
        return step > saved and (
            asked or bool(self.every and step // self.every > saved // self.every)
        )

    def written(self) -> None:
        """Begin to count the minutes anew."""
        self._written = time.monotonic()

    def _agreed(self, step):
        """Return whether any process has a signal, or the first one's minutes are over.

        Several processes ask one another about once a second, because an exchange takes time.
        """
        if step < self._next:
            return False
        now = time.monotonic()
        before, then = self._asked or (step, 0.0)
        pace = (step - before) / max(now - then, 1e-6) * _SECONDS
        late = self.minutes is not None and now - self._written >= 60 * self.minutes
        own = [self.signals.received, late, min(max(pace, 1), 1000)]
        found = distributed.gather(np.array(own, "int32"))
        self._asked = step, now
        self._next = step + (int(found[0, 2]) if len(found) > 1 else 1)
        number = int(found[:, 0].max())
        self.ending = number > 0
        if self.ending and not self.signals.received:
            self.signals.received = number
        return self.ending or bool(found[0, 1])
