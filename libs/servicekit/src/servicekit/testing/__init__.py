"""What the tests of every service share: real servers, a movable clock, recorded events, and waiting by asking."""

from servicekit.testing.harness import ServiceUnderTest, signed_headers
from servicekit.testing.probing import eventually
from servicekit.testing.processes import worker_process

__all__ = ["ServiceUnderTest", "eventually", "signed_headers", "worker_process"]
