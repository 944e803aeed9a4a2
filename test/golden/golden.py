"""What the scripts that make golden files of whole model families share.

A case is a spec of dlc and a PyTorch model of the same network, whose parameters have dlc's names, shapes and
order of axes. Everything is float64, so that a difference is a difference in meaning; JSON holds 8 digits.
"""
import json
import math
import pathlib

import numpy
import torch
from torch.nn import functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
STEPS = 3


# ------------------------------------------------------------------ dlc's random numbers: runtime/random.ts

WORD = 0xFFFFFFFF


def hashed(index, key):
    y = (index * 0x9E3779B1 + key) & WORD
    z = (y + 0x85EBCA6B) & WORD
    x = y
    for turn in range(3):
        x = (x * x + (y if turn % 2 == 0 else z)) & WORD
        x = ((x >> 16) | (x << 16)) & WORD
    return x


class Noise:
    """The random numbers of step number `step`: each use is a site, in the order in which the spec has them."""

    def __init__(self, key, step=1):
        self.key, self.step = key, step

    def uniform(self, site, *shape):
        own = (self.key + (site + 1) * 0x85EBCA6B) & WORD
        draws = [(hashed(i, own) >> 8) / 2**24 for i in range(math.prod(shape))]
        return torch.tensor(draws).reshape(shape)

    def normal(self, site, *shape):
        """Box & Muller 1958, of two sites."""
        u, v = self.uniform(site, *shape), self.uniform(site + 1, *shape)
        return torch.sqrt(-2 * torch.log(1 - u)) * torch.cos(2 * math.pi * v)


# ------------------------------------------------------------------ numbers from nowhere


class Source:
    def __init__(self, seed):
        self.random = numpy.random.default_rng(seed)

    def normal(self, *shape, scale=1.0):
        return self.rounded(self.random.normal(size=shape) * scale)

    def positive(self, *shape):
        return self.rounded(self.random.uniform(0.5, 1.5, size=shape))

    def pixels(self, *shape):
        return torch.tensor(self.random.integers(0, 256, size=shape))

    def ids(self, count, *shape):
        return torch.tensor(self.random.integers(0, count, size=shape))

    @staticmethod
    def rounded(array):
        """What the JSON says exactly, so that both sides start from the same numbers."""
        return torch.tensor(numpy.round(array, 4))

    def weights(self, shapes):
        """dlc's name -> tensor. Scales and variances are near 1, the rest around 0."""
        return {
            name: self.positive(*shape)
            if name.endswith((".scale", ".variance"))
            else self.normal(*shape, scale=0.5)
            for name, shape in shapes.items()
        }


# ------------------------------------------------------------------ layers, as dlc places their numbers


def same(x, kernel, stride=1, dilation=1, value=0.0):
    """Padding as TensorFlow's `same`: [n, c, h, w]; an odd one at the bottom and right."""
    sides = []
    for size in (x.shape[-1], x.shape[-2]):
        total = max((math.ceil(size / stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
        sides += [total // 2, total - total // 2]
    return F.pad(x, sides, value=value)


def dense(w, at, x):
    y = x @ w[f"{at}.kernel"]
    return y + w[f"{at}.bias"] if f"{at}.bias" in w else y


def conv(w, at, x, stride=1, dilation=1, groups=1):
    """Padding `same`."""
    kernel = w[f"{at}.kernel"]
    padded = same(x, kernel.shape[-1], stride, dilation)
    return F.conv2d(padded, kernel, w.get(f"{at}.bias"), stride, 0, dilation, groups)


def transposed_conv(w, at, x, stride):
    """Padding `same`: the image is `stride` times as large."""
    kernel = w[f"{at}.kernel"]
    before = max(kernel.shape[-1] - stride, 0) // 2
    full = F.conv_transpose2d(x, kernel, None, stride)
    y = full[:, :, before : before + x.shape[2] * stride, before : before + x.shape[3] * stride]
    return y + w[f"{at}.bias"][:, None, None] if f"{at}.bias" in w else y


def batch_norm(w, at, x, training, momentum=0.9, epsilon=1e-3):
    """Moves the running statistics in `w`; the variance as Keras does, without Bessel's correction."""
    if training:
        axes = [axis for axis in range(x.dim()) if axis != 1]
        with torch.no_grad():
            for name, value in [("mean", x.mean(axes)), ("variance", x.var(axes, correction=0))]:
                w[f"{at}.{name}"] = w[f"{at}.{name}"] * momentum + value * (1 - momentum)
    mean, variance = (None, None) if training else (w[f"{at}.mean"], w[f"{at}.variance"])
    return F.batch_norm(x, mean, variance, w[f"{at}.scale"], w[f"{at}.offset"], training, 0, epsilon)


def first(x):
    """[n, h, w, c] -> [n, c, h, w]"""
    return x.permute(0, 3, 1, 2)


def last(x):
    return x.permute(0, 2, 3, 1)


def flat(x):
    """[n, c, h, w] -> [n, h * w * c]: dlc flattens images channels last."""
    return last(x).flatten(1)


def images(x, *shape):
    """Rows -> [n, c, h, w]; `shape` is (h, w, c)."""
    return first(x.reshape(-1, *shape))


def sum_per_example(x):
    return x.flatten(1).sum(1).mean()


def shown(x):
    """Scores of pixels -> what a head says: [n, h, w, c], 0 to 255."""
    return 255 * torch.sigmoid(x).permute(0, 2, 3, 1)


def kernel_and_bias(at, *kernel, bias):
    return {f"{at}.kernel": list(kernel), f"{at}.bias": [bias]}


def running(name):
    return name.endswith((".mean", ".variance"))


# ------------------------------------------------------------------ cases


def numbers(tensor):
    """NaN, for what is not compared, becomes null."""
    values = tensor.detach().double().reshape(-1).tolist()
    return {"shape": list(tensor.shape), "data": [None if math.isnan(v) else short(v) for v in values]}


def short(value):
    """What is zero but for rounding is zero."""
    if abs(value) < 1e-14:
        return 0
    return int(value) if value == int(value) else float(f"{value:.8g}")


def optimizer_of(kind, parameters, rate):
    known, settings, _ = OPTIMIZERS[kind]
    return known(parameters, lr=rate, **settings)


OPTIMIZERS = {
    "sgd": (torch.optim.SGD, {}, "sgd"),
    "momentum": (torch.optim.SGD, {"momentum": 0.9}, "{ sgd: { momentum: 0.9 } }"),
    "adam": (torch.optim.Adam, {"eps": 1e-4}, "{ adam: { epsilon: 1.0e-4 } }"),
    "adam, beta1 0.5": (
        torch.optim.Adam,
        {"betas": (0.5, 0.999), "eps": 1e-4},
        "{ adam: { beta1: 0.5, epsilon: 1.0e-4 } }",
    ),
}


def make(spec, batch, weights, phases, predict, optimizer="adam", rate=0.01, vocabularies=None):
    """
    `batch`: what the program reads, by name. `phases`: name ("" of a model without) -> (prefixes of the weights
    it moves, function of (w, noise) that gives numbers by name: `loss`, which it makes small, its parts, and
    heads). `predict`: the same for the heads when not training.

    Gradients are those of the first step, of each phase at the initial weights. `after` are the weights when
    every phase has made three steps in turn.
    """
    keys = iter(range(1001, 2001, 7))
    start = {name: value.clone() for name, value in weights.items()}

    def fresh():
        return {n: v.clone().requires_grad_(not running(n)) for n, v in start.items()}

    def moved(w, prefixes):
        return {n: v for n, v in w.items() if not running(n) and n.startswith(tuple(prefixes))}

    first_steps = []
    for name, (prefixes, forward) in phases.items():
        w, key = fresh(), next(keys)
        outputs = forward(w, Noise(key))
        own = moved(w, prefixes)
        gradients = torch.autograd.grad(outputs["loss"], list(own.values()))
        first_steps.append({
            "phase": name,
            "key": key,
            "outputs": {n: numbers(v) for n, v in outputs.items()},
            "gradients": {n: numbers(g) for n, g in zip(own, gradients)},
        })

    w, used = fresh(), []
    optimizers = {n: optimizer_of(optimizer, moved(w, p).values(), rate) for n, (p, _) in phases.items()}
    for step in range(STEPS):
        for name, (prefixes, forward) in phases.items():
            used.append(next(keys))
            before = dict(w)
            for value in w.values():
                value.grad = None
            forward(w, Noise(used[-1], step + 1))["loss"].backward()
            optimizers[name].step()
            # A network that the phase does not update is the same after it, its running statistics included.
            for other in w:
                if running(other) and not other.startswith(tuple(prefixes)):
                    w[other] = before[other]
    return {
        "spec": spec.strip("\n"),
        "optimizer": OPTIMIZERS[optimizer][2],
        "beta1": OPTIMIZERS[optimizer][1].get("betas", (0.9,))[0] if "adam" in optimizer else None,
        "rate": rate,
        **({"vocabularies": vocabularies} if vocabularies else {}),
        "batch": {name: numbers(value) for name, value in batch.items()},
        "weights": {name: numbers(value) for name, value in start.items()},
        "first": first_steps,
        "predicted": {n: numbers(v) for n, v in predict(fresh(), Noise(1)).items()},
        "keys": used,
        "after": {name: numbers(value) for name, value in w.items()},
    }


def write(script, cases):
    lines = [f"{json.dumps(name)}: {json.dumps(case, separators=(',', ':'))}" for name, case in cases.items()]
    path = pathlib.Path(script)
    path.with_name(path.stem.removeprefix("make-") + ".json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
