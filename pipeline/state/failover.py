"""A state that never fails: after the first StateError it goes on with process-local memory.

Fail towards telling: what the shared store would have known is not known any more, so an alert may be told twice, and
rates hold per process. Better that than silence.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from pipeline.errors import StateError

if TYPE_CHECKING:
    from pipeline.state.protocol import State


class Failover:
    """One invocation's view of the state. Use `view` where a `State` is wanted.

    Both stores are opened when something is first asked of them.
    """

    def __init__(self, shared: Callable[[], State], local: Callable[[], State]) -> None:
        self._shared = shared
        self._local = local
        self.failure: StateError | None = None
        """Why the shared store is not asked any more; None while it is."""

    @property
    def view(self) -> State:
        """This object, typed as what it stands in for."""
        return cast("State", self)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Every method of `State`."""
        return functools.partial(self._ask, name)

    def _ask(self, name: str, *args: Any, **kwargs: Any) -> Any:
        if self.failure is None:
            try:
                return getattr(self._shared(), name)(*args, **kwargs)
            except StateError as failure:
                self.failure = failure
        return getattr(self._local(), name)(*args, **kwargs)
