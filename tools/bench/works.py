# SPDX-License-Identifier: MIT
"""The works that tools/bench/compare measures: those of `oikos bench step`, and images for them. All sides make what they
need from the same numbers."""
import random

SINUSOID = dict(modes=["sinusoid"], noise=0, widths=(1, 40, 40, 1), points=10, rate=0.01, tasks=25)
MODES = ["sinusoid", "linear", "quadratic", "tanh", "absolute"]
CONV4 = dict(ways=5, queries=15, filters=64, rate=0.1, tasks=8)
WORKS = {
    "sinusoid-1": dict(SINUSOID, steps=1),
    "sinusoid-5": dict(SINUSOID, steps=5),
    "five-modes-5": dict(modes=MODES, noise=0.3, widths=(1, 100, 100, 100, 1), points=5, rate=0.001, tasks=25, steps=5),
    "conv4-1": dict(CONV4, steps=1),
    "conv4-5": dict(CONV4, steps=5),
}
CLASSES, EACH, SIDE = 100, 20, 28


def synthetic_images():
    """(CLASSES, EACH, SIDE, SIDE) bytes: a sparse pattern for each class, a twentieth of it disturbed"""
    draw = random.Random(1).random
    images = bytearray()
    for _ in range(CLASSES):
        pattern = [draw() < 0.15 for _ in range(SIDE * SIDE)]
        for _ in range(EACH):
            images += bytes(255 * (dot ^ (draw() < 0.05)) for dot in pattern)
    return images
