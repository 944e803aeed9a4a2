"""The four nets of the GPU benchmark in PyTorch: the same sizes, optimisers, data and precision (float32).

    python3 pytorch_gpu.py '{"task": "describe"}'
    python3 pytorch_gpu.py '{"task": "train", "model", "batch", "threads", "device", "mode", "data", "warmup"}'

Answers are lines of JSON, as those of peer.mjs. TF32 is off, for products and for convolutions. Weights are drawn by
PyTorch; their number must be ours.
"""
import json
import math
import pathlib
import sys
import time

import torch
from torch import nn
from torch.nn import functional

TYPES = {"u8": torch.uint8, "i32": torch.int32}


class Cifar(nn.Sequential):
    def __init__(self, about):
        super().__init__(
            nn.Conv2d(3, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(64, 64, 3), nn.ReLU(), nn.Flatten(),
            nn.Linear(1024, 64), nn.ReLU(), nn.Linear(64, 10),
        )

    def loss(self, image, label):
        return functional.cross_entropy(self(pixels(image)), label.long())

    def optimizer(self, rate):
        return torch.optim.Adam(self.parameters(), lr=rate, eps=1e-7)


def pixels(image):
    """From bytes in HWC order, as our own step starts."""
    return (image.permute(0, 3, 1, 2).float() / 255).contiguous(
        memory_format=torch.contiguous_format if image.is_cuda else torch.channels_last)


def convolution(channels, filters, kernel, stride, padding):
    return nn.Sequential(
        nn.Conv2d(channels, filters, kernel, stride, padding, bias=False),
        nn.BatchNorm2d(filters, eps=1e-5, momentum=0.1))


class Residual(nn.Module):
    def __init__(self, channels, filters, stride):
        super().__init__()
        self.body = nn.Sequential(
            convolution(channels, filters, 3, stride, 1), nn.ReLU(),
            convolution(filters, filters, 3, 1, 1))
        self.skip = nn.Identity() if stride == 1 else convolution(channels, filters, 1, stride, 0)

    def forward(self, x):
        return functional.relu(self.body(x) + self.skip(x))


class ResNet(nn.Module):
    def __init__(self, about):
        super().__init__()
        width = about["weights"]["conv_1/conv2d_1.kernel"][0]
        layers = [convolution(1, width, 3, 1, 1), nn.ReLU()]
        layers += [Residual(width, width, 1), Residual(width, width, 1)]
        for size in (width, 2 * width, 4 * width):
            layers += [Residual(size, 2 * size, 2), Residual(2 * size, 2 * size, 1)]
        self.layers = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8 * width, 10))

    def loss(self, image, label):
        return functional.cross_entropy(self.layers(pixels(image)), label.long())

    def optimizer(self, rate):
        # l2: 0.00025 adds 0.00025·Σw² to our loss, whose gradient is 0.0005·w.
        return torch.optim.SGD(groups(self, 5e-4), lr=rate, momentum=0.9, nesterov=True)


class CharLstm(nn.Module):
    start = 2

    def __init__(self, about):
        super().__init__()
        vocabulary, size = about["weights"]["embedding_1.table"]
        units = about["weights"]["lstm_1.recurrent_kernel"][0]
        self.embedding = nn.Embedding(vocabulary, size)
        self.lstm = nn.LSTM(size, units, batch_first=True)
        self.dropout = nn.Dropout(0.2)
        self.logits = nn.Linear(units, vocabulary)
        # PyTorch's cell has a second vector of biases, which cannot be left out alone.
        self.more = 4 * units

    def loss(self, text):
        text = text.long()
        seen = functional.pad(text[:, :-1], (1, 0), value=self.start)
        scores = self.logits(self.dropout(self.lstm(self.embedding(seen))[0]))
        return functional.cross_entropy(scores.flatten(0, 1), text.flatten(), ignore_index=0)

    def optimizer(self, rate):
        return torch.optim.Adam(self.parameters(), lr=rate, eps=1e-7)

    def clip(self):
        nn.utils.clip_grad_norm_(self.parameters(), 1.0)


class Transformer(nn.Module):
    def __init__(self, about):
        super().__init__()
        vocabulary, size = about["weights"]["embedding_1.table"]
        hidden = about["weights"]["transformer_encoder_1/pre_1/feed_forward.hidden_kernel"][1]
        classes = about["weights"]["logits_1.kernel"][1]
        length = about["inputs"][0]["shape"][0]
        self.embedding = nn.Embedding(vocabulary, size)
        self.register_buffer("positions", sinusoids(length, size))
        self.dropout = nn.Dropout(0.1)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(size, 4, hidden, 0.1, "gelu", batch_first=True, norm_first=True)
            for _ in range(2))
        self.logits = nn.Linear(size, classes)

    def loss(self, text, language):
        known = text > 0
        x = self.dropout(self.embedding(text.long()) + self.positions)
        for block in self.blocks:
            x = block(x, src_key_padding_mask=~known)
        weights = known.unsqueeze(2).float()
        mean = (x * weights).sum(1) / weights.sum(1).clamp(min=1)
        return functional.cross_entropy(self.logits(mean), language.long())

    def optimizer(self, rate):
        return torch.optim.AdamW(groups(self, 0.01), lr=rate, eps=1e-7)


def sinusoids(length, size):
    """Vaswani et al. 2017, section 3.5."""
    step = torch.arange(length).float().unsqueeze(1)
    rate = torch.exp(torch.arange(0, size, 2).float() * (-math.log(10000.0) / size))
    return torch.stack((torch.sin(step * rate), torch.cos(step * rate)), 2).flatten(1)


def groups(model, decay):
    """Weight decay for matrices and filters, none for biases and scales, as dlc does it."""
    decayed = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    return [{"params": decayed, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


MODELS = {
    "cifar10-cnn": Cifar,
    "resnet18": ResNet,
    "char-lstm": CharLstm,
    "transformer-classifier": Transformer,
}


def say(answer):
    print(json.dumps(answer), flush=True)


def inputs(about, folder, batch):
    """The rows at hand, from the first again after the last, in memory that can be copied from at full speed."""
    for entry in about["inputs"]:
        raw = bytearray((folder / entry["file"]).read_bytes())
        rows = torch.frombuffer(raw, dtype=TYPES[entry["dtype"]]).reshape([about["rows"], *entry["shape"]])
        whole = rows[torch.arange(batch) % about["rows"]].contiguous()
        yield whole.pin_memory() if torch.cuda.is_available() else whole


def describe():
    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else None
    say({"version": f"PyTorch {torch.__version__}", "gpu": gpu,
         "cuda": torch.version.cuda or getattr(torch.version, "hip", None),
         "cudnn": torch.backends.cudnn.version() if gpu else None})


def train(task):
    begin = time.perf_counter()
    torch.set_num_threads(task["threads"])
    torch.manual_seed(1)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True
    device = torch.device(task["device"])
    folder = pathlib.Path(task["data"])
    about = json.loads((folder / f"{task['model']}.json").read_text())
    model = MODELS[task["model"]](about).to(device)
    if device.type == "cpu":
        model = model.to(memory_format=torch.channels_last)
    count = sum(p.numel() for p in model.parameters()) - getattr(model, "more", 0)
    if count != about["parameters"]:
        raise ValueError(f"{count} parameters in PyTorch, {about['parameters']} in dlc: not the same net")
    optimizer = model.optimizer(about["learningRate"])
    loss_of = torch.compile(model.loss) if task["mode"] == "compile" else model.loss
    host = list(inputs(about, folder, task["batch"]))

    def step():
        loss = loss_of(*(rows.to(device, non_blocking=True) for rows in host))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if hasattr(model, "clip"):
            model.clip()
        optimizer.step()
        return loss

    opened = time.perf_counter()
    first_loss = step().item()
    first = time.perf_counter()
    while time.perf_counter() - first < task["warmup"]:
        step().item()
    say({"ready": {
        "label": f"PyTorch {torch.__version__.split('+')[0]} {task['mode']}, {task['device']}",
        "openMs": (opened - begin) * 1000, "firstStepMs": (first - opened) * 1000, "firstLoss": first_loss}})
    for line in sys.stdin:
        asked = json.loads(line)
        measure = timed if asked["read"] == "always" else timed_together
        step().item()
        times, loss = measure(step, asked["seconds"])
        say({"times": times, "loss": loss})


def timed(step, seconds):
    """Milliseconds of each step; the loss is read after each, as dlc's trainer does."""
    times = []
    begin = time.perf_counter()
    while not times or time.perf_counter() - begin < seconds:
        before = time.perf_counter()
        loss = step().item()
        times.append((time.perf_counter() - before) * 1000)
    return times, loss


def timed_together(step, seconds):
    """The loss is read after ten steps, so that the GPU need not wait for Python."""
    times = []
    begin = time.perf_counter()
    while not times or time.perf_counter() - begin < seconds:
        before = time.perf_counter()
        for _ in range(10):
            last = step()
        loss = last.item()
        times += [(time.perf_counter() - before) * 100] * 10
    return times, loss


if __name__ == "__main__":
    try:
        task = json.loads(sys.argv[1])
        if task["task"] == "describe":
            describe()
        else:
            train(task)
    except Exception as error:
        say({"error": f"{type(error).__name__}: {error}", "code": None})
        sys.exit(1)
