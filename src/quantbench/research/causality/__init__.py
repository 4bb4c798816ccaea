"""Causality: proof that a strategy decides from what was known, remembers no more than it says, and is pure."""

from quantbench.research.causality.certificate import Certificate, Finding
from quantbench.research.causality.certification import certify

__all__ = ["Certificate", "Finding", "certify"]
