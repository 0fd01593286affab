# SPDX-License-Identifier: MIT
"""The four-block convolutional network of tools/bench/peer.py, and its meta-gradient without autograd.

Task by task, by the recursion of peer_mlp.py. What makes it fast: channels-last order (set by strides, as torch
forgets it where there is one channel); max pooling before the relu, which commute; no bias in the convolutions,
which batch normalisation cancels and whose gradient is zero; inner steps that are one operation on one vector.
"""
import math

import torch
import torch.nn.functional as F

aten = torch.ops.aten


class Conv4:
    """All weights are one vector; a block has (filters, 3, 3, channels) weights, scales and shifts."""

    def __init__(self, work):
        self.work, self.filters, self.ways, self.tasks = work, work["filters"], work["ways"], work["tasks"]
        self.sizes = []
        for channels in (1, *[self.filters] * 3):
            self.sizes += [self.filters * 9 * channels, self.filters, self.filters]
        self.sizes += [self.ways * self.filters, self.ways]
        self.start = torch.zeros(sum(self.sizes))
        self.ones = torch.ones(self.filters)
        self.labels = torch.eye(self.ways)
        blocks, weight, _ = self.layers(self.start)
        weight.uniform_(-1, 1).mul_(math.sqrt(6 / (self.ways + self.filters)))
        for w, scale, _ in blocks:
            w.uniform_(-1, 1).mul_(math.sqrt(6 / (9 * (w.shape[0] + w.shape[1]))))
            scale.fill_(1)

    def layers(self, vector):
        parts = vector.split(self.sizes)
        blocks = [(parts[i].view(self.filters, 3, 3, -1).permute(0, 3, 1, 2), parts[i + 1], parts[i + 2])
                  for i in range(0, 12, 3)]
        return blocks, parts[12].view(self.ways, -1), parts[13]

    def split(self, data):
        return data[:, :self.ways], data[:, self.ways:]

    def loss(self, theta, x, y):
        blocks, weight, bias = self.layers(theta)
        for w, scale, shift in blocks:
            x = F.batch_norm(F.conv2d(x, w, padding=1), None, None, scale, shift, True)
            x = F.relu(F.max_pool2d(x, 2))
        return F.cross_entropy(F.linear(x.flatten(1), weight, bias), y)

    def meta_gradient(self, x, y):
        (support_x, query_x), (support_y, query_y), rate = self.split(x), self.split(y), self.work["rate"]
        total = torch.zeros_like(self.start)
        for task in range(self.tasks):
            theta, saved = self.start, []
            for _ in range(self.work["steps"]):
                saved.append((theta, self.gradient(theta, support_x[task], support_y[task], True)))
                theta = theta - rate * saved[-1][1]["g"]
            v = self.gradient(theta, query_x[task], query_y[task], False)["g"]
            for theta, s in reversed(saved):
                v -= rate * self.hessian(theta, s, v)
            total += v
        return total / self.tasks

    def gradient(self, theta, x, y, keep):
        """the gradient g of the loss, and what a Hessian-vector product needs again of a support set"""
        blocks, weight, bias = self.layers(theta)
        saved = []
        for w, scale, shift in blocks:
            z = F.conv2d(x, w, padding=1)
            normal, mean, inverse = torch.native_batch_norm(z, scale, shift, None, None, True, 0, 1e-5)
            pooled, index = aten.max_pool2d_with_indices(normal, [2, 2], [2, 2])
            saved.append(dict(x=x, z=z, statistics=(mean, inverse), index=index))
            x = saved[-1]["out"] = pooled.relu_()
        last = x.flatten(1)
        p = torch.addmm(bias, last, weight.t()).softmax(1)
        dy = (p - self.labels[y]) / len(y)
        g = torch.empty_like(theta)
        g_blocks, g_weight, g_bias = self.layers(g)
        torch.mm(dy.t(), last, out=g_weight)
        torch.sum(dy, 0, out=g_bias)
        d = (dy @ weight).view(x.shape)
        for (w, scale, _), s, (gw, g_scale, g_shift) in zip(blocks[::-1], saved[::-1], g_blocks[::-1]):
            s["dn"] = unpool(aten.threshold_backward(d, s["out"], 0), s)
            s["dz1"], slope, shift = normal_backward(s["dn"], s, self.ones if keep else scale)
            s["dz"] = s["dz1"] * channel(scale) if keep else s["dz1"]
            g_scale.copy_(slope)
            g_shift.copy_(shift)
            d, slope = conv_backward(s["dz"], s["x"], w)
            gw.copy_(slope)
        return dict(g=g, blocks=saved, p=p, dy=dy, last=last) if keep else dict(g=g)

    def hessian(self, theta, saved, v):
        """(Hessian of the support loss) v: the derivative of every line of gradient along v; names end in t"""
        (blocks, weight, _), (v_blocks, v_weight, v_bias) = self.layers(theta), self.layers(v)
        xt, tangents = None, []
        for (w, scale, _), (vw, v_scale, v_shift), s in zip(blocks, v_blocks, saved["blocks"]):
            (mean, inverse), count = s["statistics"], s["z"].numel() / self.filters
            zt = F.conv2d(s["x"], vw, padding=1)
            if xt is not None:
                zt += F.conv2d(xt, w, padding=1)
            unit = (s["z"] - channel(mean)).mul_(channel(inverse))
            unit_t, along, _ = normal_backward(zt, s, self.ones)  # the Jacobian of normalising is symmetric
            nt = torch.addcmul(channel(v_shift), unit, channel(v_scale)).addcmul_(unit_t, channel(scale))
            tangents.append((xt, unit, unit_t, -inverse * along / count, count))
            picked = rows(nt).gather(1, rows(s["index"])).view(s["out"].permute(0, 2, 3, 1).shape).permute(0, 3, 1, 2)
            xt = aten.threshold_backward(picked, s["out"], 0)
        p, dy, last, last_t = saved["p"], saved["dy"], saved["last"], xt.flatten(1)
        yt = torch.addmm(v_bias, last, v_weight.t()).addmm_(last_t, weight.t())
        dyt = p * (yt - (p * yt).sum(1, keepdim=True)) / len(p)
        u = torch.empty_like(v)
        u_blocks, u_weight, u_bias = self.layers(u)
        torch.mm(dyt.t(), last, out=u_weight).addmm_(dy.t(), last_t)
        torch.sum(dyt, 0, out=u_bias)
        dt = (dyt @ weight).addmm_(dy, v_weight).view(xt.shape)
        for l in range(3, -1, -1):
            (w, scale, _), (vw, v_scale, _), (uw, u_scale, u_shift) = blocks[l], v_blocks[l], u_blocks[l]
            s, (xt, unit, unit_t, stretch, count) = saved["blocks"][l], tangents[l]
            dnt = unpool(aten.threshold_backward(dt, s["out"], 0), s)
            dzt, slope, shift = normal_backward(dnt, s, self.ones)
            turned = torch.mul(s["dn"], unit_t).sum((0, 2, 3))
            torch.add(slope, turned, out=u_scale)
            u_shift.copy_(shift)
            g_scale = self.layers(saved["g"])[0][l][1]
            inverse = s["statistics"][1] * scale / count
            dzt = dzt.mul_(channel(scale)).addcmul_(s["dz1"], channel(v_scale + scale * stretch))
            dzt.addcmul_(unit_t, channel(-inverse * g_scale)).addcmul_(unit, channel(-inverse * turned))
            dt, slope = conv_backward(dzt, s["x"], w)
            uw.copy_(slope)
            if l > 0:
                more, slope = conv_backward(s["dz"], xt, vw)
                dt += more
                uw += slope
        return u


def channel(vector):
    return vector.view(1, -1, 1, 1)


def rows(images):
    """(images, positions, channels) of a tensor in channels-last order"""
    return images.permute(0, 2, 3, 1).flatten(1, 2)


def unpool(d, s):
    return aten.max_pool2d_with_indices_backward(d, s["z"], [2, 2], [2, 2], [0, 0], [1, 1], False, s["index"])


def normal_backward(d, s, scale):
    return aten.native_batch_norm_backward(d, s["z"], scale, None, None, *s["statistics"], True, 1e-5, [True] * 3)


def conv_backward(d, x, w):
    """gradients of the input (none for images, of one channel) and of the weights"""
    return aten.convolution_backward(d, x, w, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1,
                                     [x.shape[1] > 1, True, False])[:2]
