"""Makes foreign-*.safetensors and foreign.json: small networks of PyTorch and Keras with their outputs.

    pip install torch==2.13.0 safetensors==0.8.0 tensorflow-cpu==2.21.0 && python make-foreign.py

Each case is a file as its tool saves it (random weights, running statistics that are not their initial
values) and, in foreign.json, an input and what the network makes of it. Images are channels last in the
JSON; PyTorch gets them channels first.
"""
import json
import os
import pathlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
import keras
import numpy
import torch
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import save_file

folder = pathlib.Path(__file__).parent
torch.manual_seed(11)
torch.set_num_threads(1)
keras.utils.set_random_seed(11)
cases = {}


def numbers(array):
    array = numpy.asarray(array, dtype=numpy.float64)
    return {"shape": list(array.shape), "data": [float(f"{v:.8g}") for v in array.reshape(-1)]}


def shake(module):
    """Running statistics, scales and offsets that differ from their initial values."""
    with torch.no_grad():
        for inner in module.modules():
            if isinstance(inner, (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)):
                inner.weight.uniform_(0.5, 1.5)
                inner.bias.normal_(0, 0.3)
                inner.running_mean.normal_(0, 0.3)
                inner.running_var.uniform_(0.5, 2)
    return module.eval()


def of_torch(name, module, x, output, dtype=None):
    state = {key: value.contiguous() for key, value in module.state_dict().items()}
    if dtype is not None:
        state = {k: v.to(dtype) if v.is_floating_point() else v for k, v in state.items()}
        module.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.items()})
    save_file(state, folder / f"foreign-{name}.safetensors")
    with torch.no_grad():
        cases[name] = {"x": numbers(x), "output": numbers(output(module, torch.tensor(x)))}


def image(*shape):
    return numpy.random.default_rng(3).normal(size=shape).astype(numpy.float32)


class Picture(torch.nn.Module):
    """Convolution, batch norm, depthwise, pooling, flatten, dense, batch norm over flattened features."""

    def __init__(self):
        super().__init__()
        nn = torch.nn
        self.features = nn.Sequential(
            nn.Conv2d(2, 6, 3, padding=1),
            nn.BatchNorm2d(6, eps=1e-5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 12, 3, padding=1, groups=6, bias=False),
            nn.ReLU(),
        )
        self.flat = nn.BatchNorm1d(12 * 3 * 4, eps=1e-5)
        self.classifier = nn.Sequential(nn.Linear(12 * 3 * 4, 7), nn.ReLU(), nn.Linear(7, 3))

    def forward(self, x):
        return self.classifier(self.flat(torch.flatten(self.features(x), 1)))


def channels_first(f):
    return lambda module, x: f(module, x.permute(0, 3, 1, 2))


plain = channels_first(lambda module, x: module(x))
of_torch("cnn", shake(Picture()), image(3, 6, 8, 2), plain)
of_torch("cnn-half", shake(Picture()), image(3, 6, 8, 2), plain, torch.float16)
of_torch("cnn-bfloat", shake(Picture()), image(3, 6, 8, 2), plain, torch.bfloat16)
of_torch("cnn-double", shake(Picture()).double().float(), image(3, 6, 8, 2), plain, torch.float64)


class Painter(torch.nn.Module):
    """Dense rows that become an image, then a transposed convolution."""

    def __init__(self):
        super().__init__()
        nn = torch.nn
        self.fc = nn.Linear(5, 4 * 3 * 2)
        self.norm = nn.BatchNorm1d(4 * 3 * 2, eps=1e-5)
        self.up = nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1)

    def forward(self, x):
        rows = torch.relu(self.norm(self.fc(x)))
        return self.up(rows.view(-1, 4, 3, 2)).permute(0, 2, 3, 1)


of_torch("painter", shake(Painter()), image(3, 5), lambda module, x: module(x))


class Reader(torch.nn.Module):
    """A stack of recurrent layers, the first in both directions; the outputs of the last step."""

    def __init__(self, kind):
        super().__init__()
        self.first = kind(3, 4, batch_first=True, bidirectional=True)
        self.rest = kind(8, 5, num_layers=2, batch_first=True)
        self.head = torch.nn.Linear(5, 2)

    def forward(self, x):
        return self.head(self.rest(self.first(x)[0])[0][:, -1])


for kind in ["LSTM", "GRU", "RNN"]:
    of_torch(kind.lower(), Reader(getattr(torch.nn, kind)).eval(), image(2, 6, 3), lambda m, x: m(x))


class Words(torch.nn.Module):
    """Embedding, layer norm, one-dimensional convolution, flattened."""

    def __init__(self):
        super().__init__()
        self.embed = torch.nn.Embedding(9, 4)
        self.norm = torch.nn.LayerNorm(4, eps=1e-5)
        self.conv = torch.nn.Conv1d(4, 6, 3)
        self.act = torch.nn.PReLU(6)
        self.head = torch.nn.Linear(6 * 5, 2)

    def forward(self, x):
        h = self.norm(self.embed(x.long())).transpose(1, 2)
        return self.head(torch.flatten(self.act(self.conv(h)), 1))


words = numpy.random.default_rng(5).integers(0, 9, size=(3, 7)).astype(numpy.float32)
module = Words().eval()
with torch.no_grad():
    module.act.weight.uniform_(0.1, 0.5)
of_torch("words", module, words, lambda m, x: m(x))


class Encoder(torch.nn.Module):
    """Two transformer layers (post-norm), as PyTorch ships them, and the mean of the steps."""

    def __init__(self):
        super().__init__()
        layer = torch.nn.TransformerEncoderLayer(8, 2, 12, 0, "gelu", batch_first=True)
        self.encoder = torch.nn.TransformerEncoder(layer, 2)
        self.head = torch.nn.Linear(8, 2)

    def forward(self, x):
        return self.head(self.encoder(x).mean(1))


module = Encoder().eval()
with torch.no_grad():
    for parameter in module.parameters():
        parameter.add_(0.2 * torch.randn(parameter.shape))
of_torch("encoder", module, image(2, 5, 8), lambda m, x: m(x))


class Attentions(torch.nn.Module):
    """Self-attention, then attention of its result to the input."""

    def __init__(self):
        super().__init__()
        self.own = torch.nn.MultiheadAttention(8, 2, batch_first=True)
        self.other = torch.nn.MultiheadAttention(8, 4, batch_first=True)

    def forward(self, x):
        y = self.own(x, x, x, need_weights=False)[0]
        return self.other(y, x, x, need_weights=False)[0]


module = Attentions().eval()
with torch.no_grad():
    for parameter in module.parameters():
        parameter.add_(0.3 * torch.randn(parameter.shape))
of_torch("attentions", module, image(2, 5, 8), lambda m, x: m(x))


def of_keras(name, model, x):
    for variable in model.variables:
        # Biases and statistics start as zeros and ones, which would hide a mistake.
        if len(variable.shape) == 1 or "bias" in variable.path:
            values = numpy.random.default_rng(len(variable.path)).uniform(0.2, 1.0, variable.shape)
            variable.assign(values)
    floats = [v for v in model.variables if "seed" not in v.path]
    save_arrays({v.path: numpy.asarray(v) for v in floats}, folder / f"foreign-keras-{name}.safetensors")
    cases[f"keras-{name}"] = {"x": numbers(x), "output": numbers(model(x, training=False))}


layers = keras.layers
of_keras(
    "cnn",
    keras.Sequential([
        keras.Input((6, 8, 2)),
        layers.Conv2D(6, 3, padding="same"),
        layers.BatchNormalization(epsilon=1e-3),
        layers.ReLU(),
        layers.MaxPooling2D(2),
        layers.DepthwiseConv2D(3, depth_multiplier=2),
        layers.SeparableConv2D(5, (1, 2), depth_multiplier=2),
        layers.Conv2DTranspose(4, 3, strides=2, padding="same"),
        layers.Flatten(),
        layers.Dense(7, activation="relu"),
        layers.Dense(3, name="head"),
    ]),
    image(3, 6, 8, 2),
)
for kind in ["LSTM", "GRU", "SimpleRNN"]:
    of_keras(
        kind.lower(),
        keras.Sequential([
            keras.Input((6, 3)),
            layers.Bidirectional(getattr(layers, kind)(4, return_sequences=True)),
            layers.Conv1D(5, 2),
            getattr(layers, kind)(5),
            layers.Dense(2),
        ]),
        image(2, 6, 3),
    )

lines = [f"{json.dumps(name)}: {json.dumps(case, separators=(',', ':'))}" for name, case in cases.items()]
(folder / "foreign.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
