"""The profiles of hypothesis, and a fixture that refuses connections to other machines."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytest.register_assert_rewrite("running")

# Programs, and not tests: those for .ci/run playground, which import each other, and one for Spark.
collect_ignore = ["browser", "scale/spark_cluster.py"]

# All but "explore" are derandomized: a run of the tests always runs the same examples. No deadline
# and no too_slow, which would judge the machine.
settings.register_profile(
    "default",
    max_examples=100,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=500)
# To be run by hand; running.IS_SOAK.
settings.register_profile("soak", settings.get_profile("default"), max_examples=5000)
# Where each example takes longer (coverage).
settings.register_profile("quick", settings.get_profile("default"), max_examples=50)
# For .ci/run explore, which gives a new --hypothesis-seed to each run.
settings.register_profile(
    "explore", settings.get_profile("default"), derandomize=False, print_blob=True
)
# For thousands of runs that fail (tests/mutation): it only matters that one example fails.
settings.register_profile(
    "mutation", settings.get_profile("quick"), phases=[Phase.explicit, Phase.generate]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# A shell starts a background job with SIGINT ignored, and its children inherit that: the tests that
# press Ctrl-C would wait forever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _loopback_only() -> Iterator[None]:
    """Refuse every connection that would leave the machine."""

    def guarded(connect: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(self: socket.socket, address: Any) -> Any:
            if self.family in (socket.AF_INET, socket.AF_INET6) and not _is_loopback(address[0]):
                raise PermissionError(f"a test may not connect to {address[0]}")
            return connect(self, address)

        return wrapper

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
        patch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
        yield


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
