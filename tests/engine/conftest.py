"""What the tests of the engines share: the worlds they trade in, and each engine in turn."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for `from stage import ...`: tests are no package


@pytest.fixture(params=["kernel", "reference"])
def engine(request):
    """Each engine in turn: a known answer is known of both."""
    return request.param
