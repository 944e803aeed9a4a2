"""Makes recurrent.json: recurrent networks computed by PyTorch, with weights in dlc's names and layout.

    pip install torch==2.13.0 && python make-recurrent.py

Each case: x -> recurrent layer -> dense (2 outputs) -> mean squared error; one forward and backward pass,
then three steps of Adam (learning rate 0.01). Numbers are float32, rounded to 8 digits.
"""
import json
import pathlib

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

torch.manual_seed(7)
torch.set_num_threads(1)
BATCH, STEPS, FEATURES, UNITS = 3, 7, 4, 5
LENGTHS = [4, 7, 2]


def numbers(tensor):
    return {
        "shape": list(tensor.shape),
        "data": [float(f"{value:.8g}") for value in tensor.detach().reshape(-1).tolist()],
    }


def names_of(kind, bidirectional):
    """dlc's tensors: how each is made of PyTorch's parameters (or gradients, or averages) by name."""
    result = {}
    for prefix, suffix in [("", ""), ("backward_", "_reverse")] if bidirectional else [("", "")]:
        result[f"{prefix}kernel"] = lambda p, s=suffix: p[f"weight_ih_l0{s}"].T
        result[f"{prefix}recurrent_kernel"] = lambda p, s=suffix: p[f"weight_hh_l0{s}"].T
        if kind == "gru":
            result[f"{prefix}bias"] = lambda p, s=suffix: p[f"bias_ih_l0{s}"]
            result[f"{prefix}recurrent_bias"] = lambda p, s=suffix: p[f"bias_hh_l0{s}"]
        else:
            result[f"{prefix}bias"] = lambda p, s=suffix: p[f"bias_ih_l0{s}"]
    return result


def make(kind, sequence=False, bidirectional=False, state=False, lengths=None):
    layer = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "simple_rnn": torch.nn.RNN}[kind]
    net = layer(FEATURES, UNITS, batch_first=True, bidirectional=bidirectional)
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            # One bias is enough where the two are only added.
            if kind != "gru" and name.startswith("bias_hh"):
                parameter.zero_()
                parameter.requires_grad_(False)
    width = UNITS * (2 if bidirectional else 1)
    dense = torch.nn.Linear(width, 2)
    x = torch.randn(BATCH, STEPS, FEATURES)
    initial = torch.randn(1, BATCH, UNITS) if state else None
    target = torch.randn(BATCH, STEPS, 2) if sequence else torch.randn(BATCH, 2)

    def run():
        if lengths is None:
            return net(x, initial) if state else net(x)
        # Numbers behind an example's length are never read, and outputs there are zeros.
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        outputs, last = net(packed)
        return pad_packed_sequence(outputs, batch_first=True, total_length=STEPS)[0], last

    def mean_of(squares):
        if lengths is None or not sequence:
            return squares.mean()
        there = torch.arange(STEPS)[None, :] < torch.tensor(lengths)[:, None]
        return squares[there].mean()

    def forward():
        outputs, last = run()
        h = last[0] if kind == "lstm" else last
        return dense(outputs if sequence else torch.cat(list(h), dim=1))

    names = names_of(kind, bidirectional)

    def tensors(read):
        own = {name: read(p) for name, p in net.named_parameters() if p.requires_grad}
        values = {f"layer.{name}": numbers(build(own)) for name, build in names.items()}
        values["dense_1.kernel"] = numbers(read(dense.weight).T)
        values["dense_1.bias"] = numbers(read(dense.bias))
        return values

    weights = tensors(lambda p: p.detach().clone())
    trained = [p for p in [*net.parameters(), *dense.parameters()] if p.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=0.01, eps=1e-8)
    output = forward()
    loss = mean_of((output - target) ** 2)
    loss.backward()
    gradients = tensors(lambda p: p.grad)
    for _ in range(3):
        optimizer.zero_grad()
        mean_of((forward() - target) ** 2).backward()
        optimizer.step()
    return {
        "kind": kind,
        "sequence": sequence,
        "bidirectional": bidirectional,
        "x": numbers(x),
        **({"state": numbers(initial[0])} if state else {}),
        **({"lengths": lengths} if lengths else {}),
        "target": numbers(target),
        "weights": weights,
        "output": numbers(output),
        "loss": float(f"{loss.item():.8g}"),
        "gradients": gradients,
        "after": tensors(lambda p: p.detach().clone()),
    }


cases = {
    "lstm": make("lstm"),
    "lstm, all outputs": make("lstm", sequence=True),
    "lstm, both directions": make("lstm", bidirectional=True),
    "lstm, both directions, all outputs": make("lstm", sequence=True, bidirectional=True),
    "gru": make("gru"),
    "gru, from a state": make("gru", sequence=True, state=True),
    "gru, both directions": make("gru", bidirectional=True),
    "simple_rnn": make("simple_rnn", sequence=True),
    "lstm, both directions, of different lengths": make("lstm", bidirectional=True, lengths=LENGTHS),
    "lstm, all outputs, of different lengths": make("lstm", True, True, lengths=LENGTHS),
    "gru, both directions, of different lengths": make("gru", bidirectional=True, lengths=LENGTHS),
    "gru, all outputs, of different lengths": make("gru", True, True, lengths=LENGTHS),
}
path = pathlib.Path(__file__).with_name("recurrent.json")
lines = [f"{json.dumps(name)}: {json.dumps(case, separators=(',', ':'))}" for name, case in cases.items()]
path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
