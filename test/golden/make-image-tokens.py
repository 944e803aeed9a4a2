"""Makes image-tokens.json: images as tokens, and a transformer that writes them, computed by PyTorch.

    pip install torch==2.13.0 numpy && python make-image-tokens.py

Random numbers are those that dlc's generator gives for the keys in the JSON.
"""
import torch
from golden import F, Source, conv, dense, first, flat, images, kernel_and_bias, make, shown, transposed_conv, write

source = Source(24)
N, SIZE, CHANNELS, CODES, WIDTH, LETTERS = 3, 4, 2, 5, 4, 3
IMAGE = source.pixels(N, SIZE, SIZE, CHANNELS)
X = first(IMAGE / 255)
BCE = F.binary_cross_entropy_with_logits


def spec(rest, more=""):
    return f"""
data:
  source: {{ arrays: true }}
  features:
    image: {{ type: image, shape: [{SIZE}, {SIZE}, {CHANNELS}], scale: unit }}{more}
{rest}
"""


TOKENISER = {
    **kernel_and_bias("encoder.conv2d_1", 4, CHANNELS, 4, 4, bias=4),
    **kernel_and_bias("encoder.conv2d_2", CODES, 4, 1, 1, bias=CODES),
    **kernel_and_bias("painter.conv2d_1", 3, CODES, 1, 1, bias=3),
    **kernel_and_bias("painter.transposed_conv2d_1", 3, CHANNELS, 4, 4, bias=CHANNELS),
}
NETWORKS = f"""networks:
  encoder:
    layers:
      - conv2d: {{ filters: 4, kernel: 4, stride: 2, padding: same, activation: relu }}
      - conv2d: {{ filters: {CODES}, kernel: 1 }}
      - reshape: [4, {CODES}]
  painter:
    layers:
      - reshape: [2, 2, {CODES}]
      - conv2d: {{ filters: 3, kernel: 1, activation: tanh }}
      - transposed_conv2d: {{ filters: {CHANNELS}, kernel: 4, stride: 2, padding: same }}"""


def encoded(w):
    """Scores [n, 4, codes]."""
    y = conv(w, "encoder.conv2d_2", torch.relu(conv(w, "encoder.conv2d_1", X, stride=2)))
    return flat(y).reshape(N, 4, CODES)


def painted(w, shares):
    y = torch.tanh(conv(w, "painter.conv2d_1", images(shares, 2, 2, CODES)))
    return transposed_conv(w, "painter.transposed_conv2d_1", y, 2)


def chosen(scores, noise, temperature, hard):
    """Jang et al. 2017, equations 1 and 2; `hard`: the straight-through estimator of its section 2.2."""
    gumbel = -torch.log(-torch.log(1 - noise.uniform(0, *scores.shape)))
    shares = torch.softmax((scores + gumbel) / temperature, -1)
    if not hard:
        return shares
    one = F.one_hot(shares.argmax(-1), CODES).double()
    return one - shares.detach() + shares


def compared(scores):
    return {"loss": BCE(scores, X), "image": shown(scores)}


def painted_again(w, _):
    """After training the most probable codes are painted."""
    return {"image": shown(painted(w, F.one_hot(encoded(w).argmax(-1), CODES).double()))}


def discrete():
    def losses(w, noise):
        return compared(painted(w, chosen(encoded(w), noise, 0.8, True)))

    return make(
        spec(f"""{NETWORKS}
model:
  layers:
    - {{ use: encoder, from: image }}
    - gumbel_softmax: {{ temperature: 0.8, hard: true }}
    - {{ use: painter, as: reconstruction }}
train:
  loss: {{ binary_cross_entropy: {{ output: reconstruction, target: image }} }}"""),
        {"image": IMAGE},
        source.weights(TOKENISER),
        {"": ([""], losses)},
        painted_again,
    )


def text_to_image():
    """Ramesh et al. 2021: a tokeniser, then a causal transformer over letters and image tokens."""
    caption = torch.tensor([[4, 5, 6], [6, 4, 0], [5, 0, 0]])

    def tokeniser(w, noise):
        temperature = 2 * (0.5 / 2) ** ((noise.step - 1) / 4)
        return compared(painted(w, chosen(encoded(w), noise, temperature, False)))

    def transformer(w, _):
        codes = encoded(w).argmax(-1)
        shifted = torch.cat([torch.full((N, 1), CODES), codes[:, :-1]], 1)
        x = torch.cat([w["letters.table"][caption], w["painted.table"][shifted]], 1) + w["place.table"]
        there = torch.cat([caption > 0, torch.ones(N, 4, dtype=torch.bool)], 1)
        visible = there[:, None] & torch.ones(LETTERS + 4, LETTERS + 4).tril().bool()
        q, k, v = [
            part.reshape(N, LETTERS + 4, 2, WIDTH // 2).transpose(1, 2)
            for part in dense(w, "attended", x).chunk(3, -1)
        ]
        seen = F.scaled_dot_product_attention(q, k, v, visible[:, None]).transpose(1, 2).flatten(2)
        x = x + seen @ w["attended.output_kernel"] + w["attended.output_bias"]
        x = F.layer_norm(x, [WIDTH], w["norm.scale"], w["norm.offset"], 1e-5)
        scores = dense(w, "next", x[:, LETTERS:])
        loss = F.cross_entropy(scores.flatten(0, 1), codes.flatten())
        return {"loss": loss}

    return make(
        spec(
            f"""{NETWORKS}
model:
  layers:
    - {{ use: encoder, from: image, as: scores }}
    - gumbel_softmax: {{ temperature: {{ from: 2, to: 0.5, steps: 4 }} }}
    - {{ use: painter, as: reconstruction }}
    - {{ codes: {{}}, from: scores, as: picture }}
    - {{ embedding: {WIDTH}, from: caption, as: letters }}
    - previous: picture
    - {{ embedding: {WIDTH}, as: painted }}
    - concat: {{ inputs: [letters, painted], axis: 1 }}
    - {{ positions: learned, as: place }}
    - {{ attention: {{ kind: multi_head, heads: 2, causal: true }}, from: place, as: attended }}
    - add: [place, attended]
    - {{ layer_norm: {{ epsilon: 1.0e-5 }}, as: norm }}
    - crop1d: [{LETTERS}, 0]
    - {{ logits: picture, as: next }}
train:
  phases:
    - name: tokeniser
      update: [encoder, painter]
      losses: [{{ binary_cross_entropy: {{ output: reconstruction, target: image }} }}]
    - name: transformer
      update: [letters, painted, place, attended, norm, next]
      losses: [{{ cross_entropy: {{ output: next, target: picture }} }}]""",
            f"""
    caption: {{ type: text, max_length: {LETTERS} }}""",
        ),
        {"image": IMAGE, "caption": caption},
        source.weights({
            **TOKENISER,
            "letters.table": [7, WIDTH],
            "painted.table": [CODES + 1, WIDTH],
            "place.table": [LETTERS + 4, WIDTH],
            **kernel_and_bias("attended", WIDTH, 3 * WIDTH, bias=3 * WIDTH),
            "attended.output_kernel": [WIDTH, WIDTH],
            "attended.output_bias": [WIDTH],
            "norm.scale": [WIDTH],
            "norm.offset": [WIDTH],
            **kernel_and_bias("next", WIDTH, CODES, bias=CODES),
        }),
        {
            "tokeniser": (["encoder.", "painter."], tokeniser),
            "transformer": (["letters.", "painted.", "place.", "attended.", "norm.", "next."], transformer),
        },
        painted_again,
        vocabularies={"caption": ["a", "b", "c"]},
    )


cases = {
    "discrete variational autoencoder, hard choices": discrete(),
    "text to image": text_to_image(),
}
write(__file__, cases)
