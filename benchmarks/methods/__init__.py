"""Methods: every task and every baseline answers to one signature, Problem x Effort -> Outcome."""

from .method import Contender, Effort, Method, Outcome, Point

__all__ = ["Contender", "Effort", "Method", "Outcome", "Point"]
