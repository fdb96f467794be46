"""What was costly to make, kept in the process: bounded by what it weighs, never by how many there are."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock

from django.conf import settings
from django.utils.safestring import SafeString
from django.utils.translation import get_language


class Kept[Key: Hashable, Value]:
    """The values that were asked for last, as many as weigh no more than ``most`` together. Threads may share it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._weight = 0
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: Key) -> Value | None:
        with self._lock:
            found = self._values.get(key)
            if found is None:
                return None
            self._values.move_to_end(key)
            return found[0]

    def put(self, key: Key, value: Value, *, weight: int) -> None:
        """Keep it, and let go of what nobody has asked for the longest."""
        with self._lock:
            _replaced, old_weight = self._values.pop(key, (None, 0))
            self._values[key] = value, weight
            self._weight += weight - old_weight
            while self._weight > self._most:
                _key, (_value, freed) = self._values.popitem(last=False)
                self._weight -= freed


class Fragments:
    """Pieces of pages, each kept by everything that it shows: whatever changes is another piece, and none grows old.

    Not while DEBUG is on, so that whoever works on a template sees it.
    """

    def __init__(self, *, most_characters: int) -> None:
        self._pieces: Kept[Hashable, SafeString] = Kept(most_characters)

    def piece(self, shows: Hashable, make: Callable[[], SafeString]) -> SafeString:
        """The HTML that ``make`` renders from what ``shows`` names, in the language that is active."""
        if settings.DEBUG:
            return make()
        key = (get_language(), shows)
        html = self._pieces.get(key)
        if html is None:
            html = make()
            self._pieces.put(key, html, weight=len(html))
        return html
