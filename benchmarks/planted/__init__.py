"""Composed texts and mistakes planted in them: what the benchmarks of the cleaning rules share."""
