# SPDX-License-Identifier: MIT
"""The MLPs of tools/bench/peer.py, with one input and one output, and their meta-gradient without autograd.

v <- grad L_query(theta_S);  for k = S-1 .. 0:  v <- v - rate * H_support(theta_k) v,  for all tasks of a step at once.
Only the weights of k > 0 differ between tasks; a product with those of k = 0 is one over all tasks. All buffers and
their views exist beforehand, so that a step is a list of torch calls. Hidden values have a column of ones for the bias.
"""
import functools
import math

import torch
import torch.nn.functional as F


class Mlp:
    """All weights of a task are one vector; a layer's are (inputs + 1, outputs), the last row its bias."""

    def __init__(self, work):
        self.work = work
        self.sizes = list(zip(work["widths"], work["widths"][1:]))
        self.n, self.tasks, self.last = work["points"], work["tasks"], len(self.sizes) - 1
        self.start = torch.zeros(sum((i + 1) * o for i, o in self.sizes))
        for w, size in zip(self.layers(self.start), self.sizes):
            w[:-1].uniform_(-1, 1).mul_(math.sqrt(6 / sum(size)))

    def layers(self, vector):
        parts = vector.split([(i + 1) * o for i, o in self.sizes], -1)
        return [part.view(*vector.shape[:-1], i + 1, o) for part, (i, o) in zip(parts, self.sizes)]

    def split(self, data):
        return data[..., :self.n, :], data[..., self.n:, :]

    def loss(self, theta, x, y):  # one task
        for l, w in enumerate(self.layers(theta)):
            x = F.linear(x if l == 0 else F.relu(x), w[:-1].t(), w[-1])
        return F.mse_loss(x, y)

    def loss_of_all(self, theta, x, y):  # the sum over tasks: theta is (tasks, weights)
        for l, w in enumerate(self.layers(theta)):
            w, b = w[:, :-1], w[:, -1:]
            if l == 0:
                x = torch.addcmul(b, x, w)
            elif l == self.last:
                x = (x * w.transpose(1, 2)).sum(2, keepdim=True) + b
            else:
                x = torch.baddbmm(b, x, w)
            x = x if l == self.last else torch.relu(x)
        return (x - y).square().sum() / self.n

    def meta_gradient(self, x, y):
        if not hasattr(self, "calls"):
            self.record()
        self.x.copy_(x)
        self.y.copy_(y)
        for call in self.calls:
            call()
        return self.meta

    def call(self, function, *inputs, **options):
        self.calls.append(functools.partial(function, *inputs, **options))

    def product(self, a, b, out):
        """a @ b for each task; b may be the same for all"""
        if b.dim() == 2:
            self.call(torch.mm, a.view(-1, a.shape[2]), b, out=out.view(-1, out.shape[2]))
        else:
            self.call(torch.bmm, a, b, out=out)

    def record(self):
        new, n, tasks, steps, rate = torch.zeros, self.n, self.tasks, self.work["steps"], self.work["rate"]
        self.calls, self.x, self.y, self.meta = [], new(tasks, 2 * n, 1), new(tasks, 2 * n, 1), new(len(self.start))
        self.wide = [new(tasks, n, i + 1) for i, _ in self.sizes]  # scratch
        self.below = [new(tasks, n, i) for i, _ in self.sizes]
        self.a = [new(tasks, n, o) for _, o in self.sizes]
        theta = [self.start] + [new(tasks, len(self.start)) for _ in range(steps)]
        g, v, total = new(tasks, len(self.start)), new(tasks, len(self.start)), new(len(self.start))
        saved = []
        for k in range(steps + 1):
            saved.append(self.save(shared=k == 0))
            w, part = self.layers(theta[k]), k == steps
            self.forward(saved[k], w, self.split(self.x)[part], self.split(self.y)[part])
            self.backward(saved[k], w, self.layers(v if part else g))
            if not part:
                self.call(torch.add, theta[k], g, alpha=-rate, out=theta[k + 1])
        for k in range(steps - 1, 0, -1):
            self.hessian(saved[k], self.layers(theta[k]), self.layers(v), self.layers(g))
            self.call(torch.add, v, g, alpha=-rate, out=v)
        self.hessian(saved[0], self.layers(theta[0]), self.layers(v), self.layers(total))
        self.call(torch.sum, v, 0, out=self.meta)
        self.call(torch.sub, self.meta, total, alpha=rate, out=self.meta)
        self.call(torch.div, self.meta, tasks, out=self.meta)

    def save(self, shared):
        """hidden values h, gradients d of what goes into a relu, tangents ht, dt of both; the pairs (h, ht) and (dt, d)
        stand together, so that h' dt + ht' d is one product: per task, or over all tasks where these share weights"""
        def pairs(widths):
            flat = (0, 2) if shared else (1, 2)
            both = [torch.zeros(*((2, self.tasks) if shared else (self.tasks, 2)), self.n, width) for width in widths]
            halves = [[pair.select(1 - shared, half) for pair in both] for half in (0, 1)]
            return [pair.flatten(*flat) for pair in both], *halves
        hh, h, ht = pairs([i + 1 for i, _ in self.sizes])
        dd, dt, d = pairs([o for _, o in self.sizes])
        for hidden in h:
            hidden[..., -1] = 1
        masks = [torch.zeros(self.tasks, self.n, i) for i, _ in self.sizes]
        return dict(hh=hh, h=h, ht=ht, dd=dd, dt=dt, d=d, mask=masks)

    def forward(self, s, w, x, y):
        self.call(s["h"][0][..., :-1].copy_, x)
        for l, a in enumerate(self.a):
            h = s["h"][l]
            if l == 0:
                self.call(torch.addcmul, w[0][..., 1:, :], h[..., :1], w[0][..., :1, :], out=a)
            elif l == self.last:
                self.call(torch.mul, h, w[l].transpose(-1, -2), out=self.wide[l])
                self.call(torch.sum, self.wide[l], 2, keepdim=True, out=a)
            else:
                self.product(h, w[l], a)
            if l < self.last:
                self.call(torch.clamp_min, a, 0, out=s["h"][l + 1][..., :-1])
                self.call(torch.sign, s["h"][l + 1][..., :-1], out=s["mask"][l + 1])
        self.call(torch.sub, a, y, out=a)
        self.call(torch.mul, a, 2 / self.n, out=s["d"][-1])

    def backward(self, s, w, g):
        for l in range(self.last, -1, -1):
            h, d, below = s["h"][l], s["d"][l], self.below[l]
            if l == self.last:
                self.call(torch.mul, h, d, out=self.wide[l])
                self.call(torch.sum, self.wide[l], 1, out=g[l].squeeze(-1))
                self.call(torch.mul, d, w[l][..., :-1, :].transpose(-1, -2), out=below)
            else:
                self.call(torch.bmm, h.transpose(1, 2), d, out=g[l])
                if l > 0:
                    self.product(d, w[l][..., :-1, :].transpose(-1, -2), below)
            if l > 0:
                self.call(torch.mul, below, s["mask"][l], out=s["d"][l - 1])

    def hessian(self, s, w, v, u):
        """u = (Hessian of the support loss) v, summed over the tasks where they share weights"""
        for l, a in enumerate(self.a):
            h, ht = s["h"][l], s["ht"][l]
            if l == 0:
                self.call(torch.addcmul, v[0][:, 1:], h[..., :1], v[0][:, :1], out=a)
            elif l == self.last:
                self.call(torch.mul, h, v[l].transpose(1, 2), out=self.wide[l])
                self.call(torch.addcmul, self.wide[l], ht, w[l].transpose(-1, -2), out=self.wide[l])
                self.call(torch.sum, self.wide[l], 2, keepdim=True, out=a)
            else:
                self.product(ht, w[l], a)
                self.call(torch.baddbmm, a, h, v[l], out=a)
            if l < self.last:
                self.call(torch.mul, a, s["mask"][l + 1], out=s["ht"][l + 1][..., :-1])
        self.call(torch.mul, a, 2 / self.n, out=s["dt"][-1])
        for l in range(self.last, -1, -1):
            d, dt, below = s["d"][l], s["dt"][l], self.below[l]
            self.call(torch.mm if u[l].dim() == 2 else torch.bmm, s["hh"][l].transpose(-1, -2), s["dd"][l], out=u[l])
            if l > 0:
                wt, vt = w[l][..., :-1, :].transpose(-1, -2), v[l][:, :-1].transpose(1, 2)
                if l == self.last:
                    self.call(torch.mul, dt, wt, out=below)
                    self.call(torch.addcmul, below, d, vt, out=below)
                else:
                    self.product(dt, wt, below)
                    self.call(torch.baddbmm, below, d, vt, out=below)
                self.call(torch.mul, below, s["mask"][l], out=s["dt"][l - 1])

