#!/usr/bin/env python3
"""Writes percentile_cases.json: lists of lifetime values and what percentile_ref.py says of them.
  python3 percentile_cases.py > percentile_cases.json
The values of a case follow from its kind, size and seed by a generator that is small enough to be written twice."""
import json
from percentile_ref import exact, sketch

MASK = (1 << 64) - 1
KINDS = ["spread", "ties", "zeros", "negatives", "top_heavy", "flat"]


def values(kind, n, seed):
    state = seed
    out = []
    for _ in range(n):
        state = (state * 6364136223846793005 + 1442695040888963407) & MASK
        draw = state >> 33
        out.append({
            "spread": draw % 1_000_000_007,
            "ties": draw % 7 * 1000,
            "zeros": 0 if draw % 10 < 3 else draw % 100_000,
            "negatives": draw % 20_000 - 10_000,
            "top_heavy": 99_999 if draw % 10 == 0 else draw % 99_999,
            "flat": 4200,
        }[kind])
    return out


def case(kind, n, seed):
    cents = values(kind, n, seed)
    ranks = exact(cents)
    known = dict(zip(cents, ranks))
    counts = [0] * 101
    for rank in ranks:
        counts[rank] += 1
    return {
        "kind": kind, "n": n, "seed": seed,
        # Short lists rank by rank; of all, how many have each rank, and a sum in which every place counts differently.
        "ranks": ranks if n <= 350 else None,
        "counts": counts if n > 350 else None,
        "checksum": sum((at + 1) * rank for at, rank in enumerate(ranks)) & MASK,
        "rows": [[value, below, at, known[value]] for _, value, below, at in sketch(cents)],
    }


cases = [case(kind, n, 1000 * n + at) for n in (1, 2, 3, 100, 101, 2357, 1_000_000) for at, kind in enumerate(KINDS)]
cases += [case(KINDS[seed % 5], n, seed) for seed, n in enumerate([1, 2, 3, 7, 99, 100, 101, 150, 200, 350] * 6)]
print("[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]")
