"""Makes attention.json: attention and transformer layers computed by PyTorch, with weights in dlc's names and layout.

    pip install torch==2.13.0 && python make-attention.py

Each case: x (and memory, both with padding behind the end) -> layer -> its real steps, zeros elsewhere -> all
numbers of an example in a row -> dense (2 outputs) -> mean squared error; one forward and backward pass, then three
steps of Adam (learning rate 0.01, epsilon 1e-4: some gradients are zero but for rounding). Numbers are float32,
rounded to 8 digits.
"""
import json
import pathlib

import torch

torch.manual_seed(11)
torch.set_num_threads(1)
torch.backends.mha.set_fastpath_enabled(False)
BATCH, STEPS, LENGTH, SIZE, HEADS, HIDDEN = 3, 5, 4, 8, 2, 12


def numbers(tensor):
    return {
        "shape": list(tensor.shape),
        "data": [float(f"{value:.8g}") for value in tensor.detach().reshape(-1).tolist()],
    }


def real(lengths, steps):
    """bool [batch, steps]: true where an example has that step."""
    return torch.arange(steps)[None, :] < torch.tensor(lengths)[:, None]


class Additive(torch.nn.Module):
    """Bahdanau et al. 2015, appendix A.1.2."""

    def __init__(self, query, memory, units):
        super().__init__()
        self.query = torch.nn.Linear(query, units)
        self.memory = torch.nn.Linear(memory, units, bias=False)
        self.score = torch.nn.Linear(units, 1, bias=False)

    def forward(self, x, memory, seen):
        scores = self.score(torch.tanh(self.query(x)[:, :, None] + self.memory(memory)[:, None])).squeeze(-1)
        return torch.softmax(scores.masked_fill(~seen[:, None], -torch.inf), -1) @ memory

    def names(self, p, at):
        return {
            f"{at}.query_kernel": p["query.weight"].T,
            f"{at}.bias": p["query.bias"],
            f"{at}.memory_kernel": p["memory.weight"].T,
            f"{at}.score_kernel": p["score.weight"].T,
        }


class General(torch.nn.Module):
    """Luong et al. 2015, section 3.1."""

    def __init__(self, query, memory):
        super().__init__()
        self.score = torch.nn.Linear(query, memory, bias=False)

    def forward(self, x, memory, seen):
        scores = (self.score(x) @ memory.transpose(1, 2)).masked_fill(~seen[:, None], -torch.inf)
        return torch.softmax(scores, -1) @ memory

    def names(self, p, at):
        return {f"{at}.kernel": p["score.weight"].T}


class ScaledDot(torch.nn.Module):
    def forward(self, x, memory, seen):
        return torch.nn.functional.scaled_dot_product_attention(x, memory, memory, attn_mask=seen[:, None])

    def names(self, p, at):
        return {}


def self_names(p, at, prefix=""):
    return {
        f"{at}.kernel": p[f"{prefix}in_proj_weight"].T,
        f"{at}.bias": p[f"{prefix}in_proj_bias"],
        f"{at}.output_kernel": p[f"{prefix}out_proj.weight"].T,
        f"{at}.output_bias": p[f"{prefix}out_proj.bias"],
    }


def cross_names(p, at, prefix=""):
    if f"{prefix}in_proj_weight" in p:
        query, key, value = p[f"{prefix}in_proj_weight"].chunk(3)
    else:
        query, key, value = (p[f"{prefix}{name}_proj_weight"] for name in "qkv")
    size = query.shape[0]
    return {
        f"{at}.query_kernel": query.T,
        f"{at}.query_bias": p[f"{prefix}in_proj_bias"][:size],
        f"{at}.memory_kernel": torch.cat([key.T, value.T], 1),
        f"{at}.memory_bias": p[f"{prefix}in_proj_bias"][size:],
        f"{at}.output_kernel": p[f"{prefix}out_proj.weight"].T,
        f"{at}.output_bias": p[f"{prefix}out_proj.bias"],
    }


class Heads(torch.nn.Module):
    def __init__(self, memory=None, causal=False):
        super().__init__()
        self.cross, self.causal = memory is not None, causal
        self.mha = torch.nn.MultiheadAttention(SIZE, HEADS, kdim=memory, vdim=memory, batch_first=True)

    def forward(self, x, memory, seen):
        mask = ~torch.ones(STEPS, STEPS).tril().bool() if self.causal else None
        source = memory if self.cross else x
        return self.mha(x, source, source, key_padding_mask=~seen, attn_mask=mask, need_weights=False)[0]

    def names(self, p, at):
        return (cross_names if self.cross else self_names)(p, at, "mha.")


def norm_names(p, at, prefix):
    return {f"{at}.scale": p[f"{prefix}.weight"], f"{at}.offset": p[f"{prefix}.bias"]}


def forward_names(p, at, prefix=""):
    return {
        f"{at}.hidden_kernel": p[f"{prefix}linear1.weight"].T,
        f"{at}.hidden_bias": p[f"{prefix}linear1.bias"],
        f"{at}.output_kernel": p[f"{prefix}linear2.weight"].T,
        f"{at}.output_bias": p[f"{prefix}linear2.bias"],
    }


SETTINGS = {"dim_feedforward": HIDDEN, "dropout": 0.0, "activation": "gelu", "batch_first": True}


class Encoder(torch.nn.Module):
    def __init__(self, norm_first):
        super().__init__()
        self.norm = "pre" if norm_first else "post"
        self.layer = torch.nn.TransformerEncoderLayer(SIZE, HEADS, norm_first=norm_first, **SETTINGS)

    def forward(self, x, memory, seen):
        return self.layer(x, src_key_padding_mask=~seen)

    def names(self, p, at):
        at = f"{at}/{self.norm}_1"
        return {
            **norm_names(p, f"{at}/norm_1", "layer.norm1"),
            **self_names(p, f"{at}/self_attention", "layer.self_attn."),
            **norm_names(p, f"{at}/norm_2", "layer.norm2"),
            **forward_names(p, f"{at}/feed_forward", "layer."),
        }


class Decoder(torch.nn.Module):
    def __init__(self, norm_first):
        super().__init__()
        self.norm = "pre" if norm_first else "post"
        self.layer = torch.nn.TransformerDecoderLayer(SIZE, HEADS, norm_first=norm_first, **SETTINGS)

    def forward(self, x, memory, seen):
        causal = ~torch.ones(STEPS, STEPS).tril().bool()
        return self.layer(x, memory, tgt_mask=causal, memory_key_padding_mask=~seen)

    def names(self, p, at):
        at = f"{at}/{self.norm}_1"
        return {
            **norm_names(p, f"{at}/norm_1", "layer.norm1"),
            **self_names(p, f"{at}/self_attention", "layer.self_attn."),
            **norm_names(p, f"{at}/norm_2", "layer.norm2"),
            **cross_names(p, f"{at}/memory_attention", "layer.multihead_attn."),
            **norm_names(p, f"{at}/norm_3", "layer.norm3"),
            **forward_names(p, f"{at}/feed_forward", "layer."),
        }


def make(spec, net, memory=None, output=SIZE):
    """`spec`: the layer as the language says it. `memory`: the size of its steps, if there is one."""
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    lengths, memory_lengths = [5, 3, 1], [2, 4, 1]
    mine, seen = real(lengths, STEPS), real(memory_lengths, LENGTH)
    x = torch.randn(BATCH, STEPS, SIZE) * mine[:, :, None]
    source = None if memory is None else torch.randn(BATCH, LENGTH, memory) * seen[:, :, None]
    dense = torch.nn.Linear(STEPS * output, 2)
    target = torch.randn(BATCH, 2)

    def forward():
        outputs = net(x, source, mine if memory is None else seen)
        return dense((outputs * mine[:, :, None]).flatten(1))

    def tensors(read):
        own = {name: read(p) for name, p in net.named_parameters()}
        values = {name: numbers(value) for name, value in net.names(own, "layer").items()}
        values["dense_1.kernel"] = numbers(read(dense.weight).T)
        values["dense_1.bias"] = numbers(read(dense.bias))
        return values

    weights = tensors(lambda p: p.detach().clone())
    optimizer = torch.optim.Adam([*net.parameters(), *dense.parameters()], lr=0.01, eps=1e-4)
    output = forward()
    loss = ((output - target) ** 2).mean()
    loss.backward()
    gradients = tensors(lambda p: p.grad)
    for _ in range(3):
        optimizer.zero_grad()
        ((forward() - target) ** 2).mean().backward()
        optimizer.step()
    return {
        "layer": spec,
        "lengths": lengths,
        "x": numbers(x),
        **({} if memory is None else {"memory": numbers(source), "memory_lengths": memory_lengths}),
        "target": numbers(target),
        "weights": weights,
        "output": numbers(output),
        "loss": float(f"{loss.item():.8g}"),
        "gradients": gradients,
        "after": tensors(lambda p: p.detach().clone()),
    }


FROM = "from: { query: x, memory: memory }"


def block(name, norm, more=""):
    given = f"heads: {HEADS}, hidden: {HIDDEN}, activation: gelu, dropout: 0, norm: {norm}{more}"
    return f"block: {{ name: {name}, with: {{ {given} }} }}, from: x"


cases = {
    "additive": make(f"attention: {{ kind: additive, units: 6 }}, {FROM}", Additive(SIZE, 3, 6), 3, 3),
    "general": make(f"attention: general, {FROM}", General(SIZE, 3), 3, 3),
    "scaled_dot": make(f"attention: scaled_dot, {FROM}", ScaledDot(), SIZE),
    "multi_head": make(f"attention: {{ kind: multi_head, heads: {HEADS} }}, from: x", Heads()),
    "multi_head, causal": make(
        f"attention: {{ kind: multi_head, heads: {HEADS}, causal: true }}, from: x", Heads(causal=True)
    ),
    "multi_head, of a memory": make(f"attention: {{ kind: multi_head, heads: {HEADS} }}, {FROM}", Heads(3), 3),
    "transformer_encoder, post": make(block("transformer_encoder", "post"), Encoder(False)),
    "transformer_encoder, pre": make(block("transformer_encoder", "pre"), Encoder(True)),
    "transformer_decoder, post": make(block("transformer_decoder", "post", ", memory: memory"), Decoder(False), SIZE),
    "transformer_decoder, pre": make(block("transformer_decoder", "pre", ", memory: memory"), Decoder(True), SIZE),
}
path = pathlib.Path(__file__).with_name("attention.json")
lines = [f"{json.dumps(name)}: {json.dumps(case, separators=(',', ':'))}" for name, case in cases.items()]
path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
