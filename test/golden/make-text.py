"""Makes text.json: models of texts with padding, computed by PyTorch.

    pip install torch==2.13.0 numpy && python make-text.py
"""
import torch
from golden import F, Source, dense, make, write
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

source = Source(23)
TOKENS = 7
LETTERS = ["a", "b", "c"]
# Special tokens: 0 padding, 2 start, 3 end.
START = 2


def parameters(w, at, gru):
    """As torch.gru and torch.lstm take them. An LSTM of dlc has one bias, as the two are only added."""
    result = []
    for prefix in ["", "backward_"] if f"{at}.backward_kernel" in w else [""]:
        kernel, recurrent, bias = (w[f"{at}.{prefix}{name}"] for name in ["kernel", "recurrent_kernel", "bias"])
        other = w[f"{at}.{prefix}recurrent_bias"] if gru else torch.zeros_like(bias)
        result += [kernel.T, recurrent.T, bias, other]
    return result


def recurrent(w, at, x, mask, state=None):
    """-> outputs of all steps, zeros in the padding; last outputs of each direction. GRU if it has two biases."""
    gru = f"{at}.recurrent_bias" in w
    weights = parameters(w, at, gru)
    both = len(weights) > 4
    packed = pack_padded_sequence(x, mask.sum(1), batch_first=True, enforce_sorted=False)
    if state is None:
        state = torch.zeros(2 if both else 1, x.shape[0], weights[1].shape[1])
    state = state[:, packed.sorted_indices]
    run, initial = (torch.gru, state) if gru else (torch.lstm, (state, torch.zeros_like(state)))
    data, end, *_ = run(packed.data, packed.batch_sizes, initial, weights, True, 1, 0.0, True, both)
    outputs = PackedSequence(data, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)
    padded = pad_packed_sequence(outputs, batch_first=True, total_length=x.shape[1])[0]
    return padded, list(end[:, packed.unsorted_indices])


def recurrent_shapes(at, inputs, units, gates, directions):
    return {
        f"{at}.{prefix}{name}": shape
        for prefix in ["", "backward_"][:directions]
        for name, shape in [
            ("kernel", [inputs, gates * units]),
            ("recurrent_kernel", [units, gates * units]),
            ("bias", [gates * units]),
            *([("recurrent_bias", [gates * units])] if gates == 3 else []),
        ]
    }


def token_loss(scores, ids):
    """Mean over the tokens of the batch that are no padding."""
    return F.cross_entropy(scores.flatten(0, 1), ids.flatten(), ignore_index=0)


def judged(scores, name, ids):
    """The loss, over how many tokens it is a mean, and the head."""
    loss, count = token_loss(scores, ids), (ids > 0).sum()
    return {"loss": loss, "steps.cross_entropy": torch.stack([count, loss]), name: said(scores, ids)}


def said(scores, ids):
    """Probabilities; those for padding are not compared."""
    return torch.softmax(scores, -1).masked_fill((ids == 0)[:, :, None], torch.nan)


def shifted(ids):
    return torch.cat([torch.full_like(ids[:, :1], START), ids[:, :-1]], 1)


def translation():
    """Bahdanau et al. 2015: encoder in both directions, additive attention, teacher forcing."""
    written = torch.tensor([[4, 6, 5, 4, 6], [5, 5, 0, 0, 0], [6, 4, 1, 0, 0]])
    iso = torch.tensor([[5, 4, 6, 3], [4, 3, 0, 0], [6, 6, 3, 0]])

    def forward(w, _):
        mask = written > 0
        memory, state = recurrent(w, "encoder", w["embedding_1.table"][written], mask)
        before = shifted(iso)
        x = w["embedding_2.table"][before]
        decoder, _ = recurrent(w, "decoder", x, before > 0, torch.cat(state, 1)[None])
        query = decoder @ w["context.query_kernel"] + w["context.bias"]
        sums = torch.tanh(query[:, :, None] + (memory @ w["context.memory_kernel"])[:, None])
        scores = (sums @ w["context.score_kernel"]).squeeze(-1)
        context = torch.softmax(scores.masked_fill(~mask[:, None], -torch.inf), -1) @ memory
        y = torch.tanh(dense(w, "dense_1", torch.cat([decoder, context], -1)))
        scores = dense(w, "logits_1", y)
        return judged(scores, "iso", iso)

    spec = """
data:
  source: { arrays: true }
  features: { written: { type: text, max_length: 5 } }
  targets: { iso: { type: text, max_length: 3 } }
model:
  layers:
    - { embedding: 3, from: written }
    - { gru: { units: 2, bidirectional: true, return: sequence }, as: encoder }
    - previous: iso
    - embedding: 3
    - { gru: { units: 4, return: sequence }, from: { input: embedding_2, state: encoder.state }, as: decoder }
    - { attention: { kind: additive, units: 5 }, from: { query: decoder, memory: encoder }, as: context }
    - concat: [decoder, context]
    - dense: { units: 5, activation: tanh }
    - logits: iso
train:
  loss: cross_entropy
"""
    shapes = {
        "embedding_1.table": [TOKENS, 3],
        **recurrent_shapes("encoder", 3, 2, 3, 2),
        "embedding_2.table": [TOKENS, 3],
        **recurrent_shapes("decoder", 3, 4, 3, 1),
        "context.query_kernel": [4, 5],
        "context.bias": [5],
        "context.memory_kernel": [4, 5],
        "context.score_kernel": [5, 1],
        "dense_1.kernel": [8, 5],
        "dense_1.bias": [5],
        "logits_1.kernel": [5, TOKENS],
        "logits_1.bias": [TOKENS],
    }
    return make(
        spec,
        {"written": written, "iso": iso},
        source.weights(shapes),
        {"": ([""], forward)},
        lambda w, noise: {"iso": forward(w, noise)["iso"]},
        vocabularies={"written": LETTERS, "iso": LETTERS},
    )


def language():
    text = torch.tensor([[4, 6, 5, 4, 6, 6], [5, 5, 4, 0, 0, 0], [6, 0, 0, 0, 0, 0]])

    def forward(w, _):
        before = shifted(text)
        y, _ = recurrent(w, "lstm_1", w["embedding_1.table"][before], before > 0)
        y, _ = recurrent(w, "lstm_2", y, before > 0)
        scores = dense(w, "logits_1", y)
        return judged(scores, "text", text)

    spec = """
data:
  source: { arrays: true }
  features: { text: { type: text, tokens: char, max_length: 6 } }
model:
  layers:
    - previous: text
    - embedding: 3
    - lstm: { units: 4, return: sequence }
    - lstm: { units: 5, return: sequence }
    - logits: text
train:
  loss: { cross_entropy: { target: text } }
"""
    shapes = {
        "embedding_1.table": [TOKENS, 3],
        **recurrent_shapes("lstm_1", 3, 4, 4, 1),
        **recurrent_shapes("lstm_2", 4, 5, 4, 1),
        "logits_1.kernel": [5, TOKENS],
        "logits_1.bias": [TOKENS],
    }
    return make(
        spec,
        {"text": text},
        source.weights(shapes),
        {"": ([""], forward)},
        lambda w, noise: {"text": forward(w, noise)["text"]},
        optimizer="momentum",
        rate=0.1,
        vocabularies={"text": LETTERS},
    )


def classification():
    text = torch.tensor([[4, 6, 5, 4, 6], [5, 5, 0, 0, 0], [6, 4, 1, 0, 0]])
    kind = torch.tensor([1, 2, 0])

    def scores(w):
        mask = text > 0
        y, _ = recurrent(w, "lstm_1", w["embedding_1.table"][text], mask)
        top = y.masked_fill(~mask[:, :, None], -torch.inf).amax(1)
        mean = y.sum(1) / mask.sum(1)[:, None]
        return dense(w, "logits_1", torch.cat([top, mean], -1))

    def forward(w, _):
        loss = F.cross_entropy(scores(w), kind, label_smoothing=0.1)
        return {"loss": loss, **predicted(w, _)}

    def predicted(w, _):
        return {"kind": torch.softmax(scores(w), -1)}

    spec = """
data:
  source: { arrays: true }
  features: { text: { type: text, tokens: word, max_length: 5 } }
  targets: { kind: { type: category, classes: [a, b, c] } }
model:
  layers:
    - embedding: 3
    - { lstm: { units: 3, bidirectional: true, return: sequence }, as: lstm_1 }
    - { global_max_pool1d: {}, as: top }
    - { global_avg_pool1d: {}, from: lstm_1, as: mean }
    - concat: [top, mean]
    - logits: kind
train:
  loss: { cross_entropy: { label_smoothing: 0.1 } }
"""
    shapes = {
        "embedding_1.table": [TOKENS, 3],
        **recurrent_shapes("lstm_1", 3, 3, 4, 2),
        "logits_1.kernel": [12, 3],
        "logits_1.bias": [3],
    }
    return make(
        spec,
        {"text": text, "kind": kind},
        source.weights(shapes),
        {"": ([""], forward)},
        predicted,
        vocabularies={"text": ["one", "two", "three"]},
    )


cases = {
    "translation with attention": translation(),
    "language model": language(),
    "text classification": classification(),
}
write(__file__, cases)
