"""How many examples Hypothesis tries: few and always the same in a test run, many and new ones in `make faults`."""

import os

import hypothesis

# So many times as many examples as usual, chosen anew.
FACTOR = int(os.environ.get("MILLRACE_FUZZ", "1"))


def rules(examples: int) -> hypothesis.settings:
    """Settings for a test to which `examples` are enough in a usual run."""
    return hypothesis.settings(
        deadline=None,
        database=None,
        derandomize=FACTOR == 1,
        max_examples=examples * FACTOR,
        # Fixtures here are only read by the tests that use them.
        suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
    )
