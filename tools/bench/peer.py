#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The PyTorch peer of tools/bench/compare: outer steps of second-order MAML, as fast as one core of PyTorch does them.

usage: tools/bench/peer.py WORK [--seconds S] [--method best|autograd|plain] [--steps N]     prints tasks per second
       tools/bench/peer.py --check            the meta-gradients of best and autograd against plain, in double precision

  plain     a loop over the tasks with torch.autograd.grad
  autograd  all tasks of a step at once, with a product of batches for each layer (of conv4 there is only plain)
  best      no autograd: gradients and Hessian-vector products written out, in peer_mlp.py and peer_conv4.py

compare starts it with the environment that is best for it.
"""
import argparse
import math
import time

import torch

from peer_conv4 import Conv4
from peer_mlp import Mlp
from works import CLASSES, EACH, SIDE, WORKS, synthetic_images

torch.set_num_threads(1)


class Functions:
    """Functions of one variable, drawn for many steps at once."""

    def __init__(self, work, ahead=64):
        self.work, self.ahead, self.ready = work, ahead, iter(())

    def draw(self):
        """x and y of a step: (tasks, support and query points, 1)"""
        episode = next(self.ready, None)
        if episode is None:
            self.ready = zip(*self.make(self.ahead, self.work["tasks"]))
            episode = next(self.ready)
        return episode

    def make(self, *shape):
        x = torch.rand(*shape, 2 * self.work["points"], 1) * 10 - 5
        u, v, w, sign = (part.unsqueeze(-1) for part in torch.rand(*shape, 1, 4).unbind(-1))
        a, b, c = 6 * u - 3, 6 * v - 3, 6 * w - 3
        y = (0.1 + 4.9 * u) * torch.sin(x - math.pi * v)
        if len(self.work["modes"]) > 1:
            square = torch.where(sign < 0.5, -1, 1) * (0.02 + 0.13 * u) * (x - c) ** 2 + b
            kinds = torch.stack([y, a * x + b, square, a * torch.tanh(x - c) + b, a * (x - c).abs() + b])
            y = kinds.gather(0, torch.randint(len(kinds), (1, *shape, 1, 1)).expand(1, *x.shape))[0]
            y += self.work["noise"] * torch.randn(y.shape)
        return x, y


class Images:
    def __init__(self, work):
        self.work = work
        self.images = torch.frombuffer(synthetic_images(), dtype=torch.uint8).view(CLASSES, EACH, SIDE, SIDE)
        self.labels = torch.arange(work["ways"]).repeat(1 + work["queries"])

    def draw(self):
        """x: (tasks, support and query images shot by shot, 1, side, side) in channels-last order, and labels"""
        tasks, ways, shots = self.work["tasks"], self.work["ways"], 1 + self.work["queries"]
        classes = torch.rand(tasks, len(self.images)).topk(ways).indices.unsqueeze(1)
        chosen = torch.rand(tasks, ways, self.images.shape[1]).topk(shots).indices.transpose(1, 2)
        x = self.images[classes, chosen].flatten(1, 2) / 255
        return x.unsqueeze(-1).permute(0, 1, 4, 2, 3), self.labels.expand(tasks, -1)


def differentiate(work, loss, start, theta, support, query):
    """the meta-gradient of a task, or of a batch of them, by automatic differentiation"""
    for _ in range(work["steps"]):
        slope, = torch.autograd.grad(loss(theta, *support), theta, create_graph=True)
        theta = theta - work["rate"] * slope
    return torch.autograd.grad(loss(theta, *query), start)[0]


def plain(model, x, y):
    start, total = model.start.detach().requires_grad_(), 0
    (support_x, query_x), (support_y, query_y) = model.split(x), model.split(y)
    for task in range(len(x)):
        total += differentiate(model.work, model.loss, start, start, (support_x[task], support_y[task]),
                               (query_x[task], query_y[task]))
    return total / len(x)


def autograd(model, x, y):
    if isinstance(model, Conv4):
        return plain(model, x, y)
    start = model.start.detach().requires_grad_()
    support, query = zip(model.split(x), model.split(y))
    return differentiate(model.work, model.loss_of_all, start, start.expand(len(x), -1), support, query) / len(x)


def best(model, x, y):
    with torch.no_grad():
        return model.meta_gradient(x, y)


METHODS = dict(best=best, autograd=autograd, plain=plain)


class Adam:
    def __init__(self, weights, rate=0.001, beta1=0.9, beta2=0.999, epsilon=1e-8):
        self.weights, self.rate, self.beta1, self.beta2, self.epsilon = weights, rate, beta1, beta2, epsilon
        self.m, self.v, self.step = torch.zeros_like(weights), torch.zeros_like(weights), 0

    def update(self, g):
        self.step += 1
        self.m.lerp_(g, 1 - self.beta1)
        self.v.mul_(self.beta2).addcmul_(g, g, value=1 - self.beta2)
        root = self.v.sqrt().div_(math.sqrt(1 - self.beta2 ** self.step)).add_(self.epsilon)
        self.weights.addcdiv_(self.m, root, value=-self.rate / (1 - self.beta1 ** self.step))


def create(work):
    source, model = (Functions, Mlp) if "modes" in work else (Images, Conv4)
    return source(work), model(work)


def measure(work, method, seconds):
    """tasks per second"""
    with torch.inference_mode(method is best):
        source, model = create(work)
        adam = Adam(model.start)

        def run(duration):
            steps, begin = 0, time.perf_counter()
            while time.perf_counter() < begin + duration or steps < 2:
                adam.update(method(model, *source.draw()))
                steps += 1
            return steps * work["tasks"] / (time.perf_counter() - begin)

        run(min(1, seconds / 4))
        result = run(seconds)
        assert model.start.isfinite().all(), "training has diverged"
    return result


def check():
    """the methods give the same, after some training, so that no weight is a special one"""
    torch.manual_seed(1)
    torch.set_default_dtype(torch.float64)
    for name, work in WORKS.items():
        source, model = create(dict(work, tasks=3))
        adam = Adam(model.start, rate=0.01)
        for _ in range(5):
            adam.update(plain(model, *source.draw()))
        episodes = source.draw()
        right = plain(model, *episodes)
        errors = {key: ((METHODS[key](model, *episodes) - right).norm() / right.norm()).item()
                  for key in ("best", "autograd")}
        print(f"{name:13}", "  ".join(f"{key} {error:.1e}" for key, error in errors.items()))
        assert max(errors.values()) < 1e-10, "the meta-gradient is wrong"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     usage=argparse.SUPPRESS)
    parser.add_argument("work", nargs="?", choices=WORKS)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--method", choices=METHODS, default="best")
    parser.add_argument("--steps", type=int, help="other inner steps than those of the work")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    if arguments.check:
        check()
    elif arguments.work:
        work = dict(WORKS[arguments.work], **({"steps": arguments.steps} if arguments.steps else {}))
        print(f"{measure(work, METHODS[arguments.method], arguments.seconds):.1f}")
    else:
        parser.error("which work? " + " ".join(WORKS))


if __name__ == "__main__":
    main()
