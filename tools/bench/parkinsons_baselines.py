#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Baselines for a table of groups of rows: how well do simple methods predict a held-out group from a few of its rows?

Usage: tools/bench/parkinsons_baselines.py TABLE.h5 [--support N] [--query N] [--test NAME...]... [--draws N]

Splits groups at random and draws support and query rows as the task source `table` does (other random
numbers, the same distribution); by default every group is held out once, in four random parts. Prints the root mean square error in
each target's unit, of each held-out group over all query rows of its draws, as the mean over groups and its 95 % interval over groups
(Student's t):
  training mean   the mean of the training groups
  support mean    the mean of the group's own support rows
  pooled ridge    ridge regression on all rows of the training groups
  support ridge   ridge regression on the group's support rows
  shifted ridge   pooled ridge, moved so that it fits the support rows on average
Ridge's penalty is the best of several on the held-out rows themselves, which favours the baseline.
Needs Debian's python3-h5py."""
import argparse
import math

import h5py
import numpy as np

PENALTIES = [0.1, 1, 10, 100, 1000, 1e4]


def ridge(x, y, penalty):
    """Weights and intercept of ridge regression; the intercept is not penalised."""
    xm, ym = x.mean(0), y.mean(0)
    w = np.linalg.solve((x - xm).T @ (x - xm) + penalty * np.eye(x.shape[1]), (x - xm).T @ (y - ym))
    return w, ym - xm @ w


def mean_square(prediction, y):
    return ((prediction - y) ** 2).mean(0)


def student(degrees):
    """The t with P(|T| <= t) = 0.95, by bisection of Simpson's rule over the density."""
    low, high = 1.9, 12.8
    scale = math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)) / math.sqrt(degrees * math.pi)
    for _ in range(40):
        t = (low + high) / 2
        x = np.linspace(-t, t, 4001)
        y = scale * (1 + x**2 / degrees) ** (-(degrees + 1) / 2)
        inside = (x[1] - x[0]) / 3 * (y[0] + y[-1] + 4 * y[1:-1:2].sum() + 2 * y[2:-1:2].sum())
        low, high = (t, high) if inside < 0.95 else (low, t)
    return t


def judge(group, x, y, held_out, support, query, draws, rng):
    """Errors of every method: {method: (held-out groups, targets)}."""
    train = ~np.isin(group, held_out)
    mean, deviation = x[train].mean(0), x[train].std(0)
    x = (x - mean) / np.where(deviation > 0, deviation, np.inf)
    pooled = {p: ridge(x[train], y[train], p) for p in PENALTIES}
    rows = {}
    for g in held_out:
        own, errors = np.flatnonzero(group == g), {}
        for _ in range(draws):
            chosen = rng.permutation(own)[:support + query]
            s, q = chosen[:support], chosen[support:]
            found = {"training mean": mean_square(y[train].mean(0), y[q]), "support mean": mean_square(y[s].mean(0), y[q])}
            for p in PENALTIES:
                w, b = pooled[p]
                found["pooled ridge", p] = mean_square(x[q] @ w + b, y[q])
                found["shifted ridge", p] = mean_square(x[q] @ w + (y[s] - x[s] @ w).mean(0), y[q])
                w, b = ridge(x[s], y[s], p)
                found["support ridge", p] = mean_square(x[q] @ w + b, y[q])
            for method, e in found.items():
                errors.setdefault(method, []).append(e)
        for method, e in errors.items():
            rows.setdefault(method, []).append(np.sqrt(np.mean(e, 0)))
    return {method: np.array(e) for method, e in rows.items()}


def best_penalty(errors, method):
    """Of a method with a penalty, the errors with the best one for each target."""
    tried = np.array([errors[method, p] for p in PENALTIES])
    best = tried.mean(1).argmin(0)
    return np.stack([tried[best[j], :, j] for j in range(tried.shape[2])], 1), [PENALTIES[k] for k in best]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table")
    parser.add_argument("--support", type=int, default=10)
    parser.add_argument("--query", type=int, default=80)
    parser.add_argument("--test", nargs="*", action="append",
                        help="names of the groups held out together; may be repeated; default: four random quarters, each group once")
    parser.add_argument("--draws", type=int, default=100, help="episodes of each held-out group")
    parser.add_argument("--seed", type=int, default=1)
    a = parser.parse_args()
    rng = np.random.default_rng(a.seed)
    with h5py.File(a.table) as f:
        group, x, y = f["group"][:], f["features"][:].astype(float), f["targets"][:].astype(float)
        names, targets = list(f["group_name"].asstr()), list(f["target_name"].asstr())
    folds = np.array_split(rng.permutation(len(names)), 4)
    if a.test:
        folds = [np.array([names.index(t) for t in part]) for part in a.test]
    parts = [judge(group, x, y, fold, a.support, a.query, a.draws, rng) for fold in folds]
    errors = {m: np.concatenate([p[m] for p in parts]) for m in parts[0]}
    print(f"{a.support} support rows, {sum(map(len, folds))} held-out groups")
    print(f"{'':28s}" + "".join(f"{t:>22s}" for t in targets))
    for method in ["training mean", "pooled ridge", "support mean", "support ridge", "shifted ridge"]:
        e, penalty = (errors[method], None) if method in errors else best_penalty(errors, method)
        interval = student(len(e) - 1) * e.std(0, ddof=1) / np.sqrt(len(e))
        note = "" if penalty is None else " (" + ", ".join(f"{p:g}" for p in penalty) + ")"
        print(f"{method + note:28s}" + "".join(f"{m:12.3f} +- {i:<6.3f}" for m, i in zip(e.mean(0), interval)))


if __name__ == "__main__":
    main()
