"""Asks many things of teachers at once: lanes, pace, budget, outbox and locks."""
