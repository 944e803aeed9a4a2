"""Makes generative.json: autoencoders and adversarial networks computed by PyTorch.

    pip install torch==2.13.0 numpy && python make-generative.py

Random numbers are those that dlc's generator gives for the keys in the JSON.
"""
import torch
from golden import (
    F,
    Source,
    batch_norm,
    conv,
    dense,
    first,
    flat,
    images,
    kernel_and_bias,
    make,
    shown,
    sum_per_example,
    transposed_conv,
    write,
)

source = Source(22)
N, SIZE, CHANNELS = 3, 4, 2
IMAGE = source.pixels(N, SIZE, SIZE, CHANNELS)
X = first(IMAGE / 255)
BCE = F.binary_cross_entropy_with_logits


def spec(rest):
    return f"""
data:
  source: {{ arrays: true }}
  features:
    image: {{ type: image, shape: [{SIZE}, {SIZE}, {CHANNELS}], scale: unit }}
{rest}
"""


ALL = SIZE * SIZE * CHANNELS
DENSE_DECODER = {
    **kernel_and_bias("decoder.dense_1", 2, 4, bias=4),
    **kernel_and_bias("decoder.dense_2", 4, ALL, bias=ALL),
}


def decoded(w, code):
    y = torch.relu(dense(w, "decoder.dense_1", code))
    return images(dense(w, "decoder.dense_2", y), SIZE, SIZE, CHANNELS)


def decoder_layers():
    return f"[{{ dense: {{ units: 4, activation: relu }} }}, dense: {ALL}, reshape: [{SIZE}, {SIZE}, {CHANNELS}]]"


# ------------------------------------------------------------------ autoencoders


def autoencoder():
    def net(w):
        return decoded(w, dense(w, "encoder.dense_2", torch.tanh(dense(w, "encoder.dense_1", flat(X)))))

    return make(
        spec(f"""networks:
  encoder: {{ layers: [flatten, {{ dense: {{ units: 5, activation: tanh }} }}, dense: 2] }}
  decoder: {{ layers: {decoder_layers()} }}
model:
  layers:
    - {{ use: encoder, from: image, as: code }}
    - {{ use: decoder, from: code, as: reconstruction }}
train:
  loss: {{ binary_cross_entropy: {{ output: reconstruction, target: image }} }}"""),
        {"image": IMAGE},
        source.weights({
            **kernel_and_bias("encoder.dense_1", ALL, 5, bias=5),
            **kernel_and_bias("encoder.dense_2", 5, 2, bias=2),
            **DENSE_DECODER,
        }),
        {"": ([""], lambda w, _: {"loss": BCE(net(w), X), "image": shown(net(w))})},
        lambda w, _: {"image": shown(net(w))},
        "sgd",
        0.5,
    )


def convolutional_autoencoder():
    def net(w):
        y = torch.relu(conv(w, "conv2d_1", X, stride=2))
        return transposed_conv(w, "transposed_conv2d_1", conv(w, "conv2d_2", y), 2)

    def predicted(w, _):
        return {"image": 255 * net(w).permute(0, 2, 3, 1)}

    return make(
        spec(f"""model:
  layers:
    - conv2d: {{ filters: 4, kernel: 3, stride: 2, padding: same, activation: relu }}
    - conv2d: {{ filters: 2, kernel: 3, padding: same }}
    - transposed_conv2d: {{ filters: {CHANNELS}, kernel: 4, stride: 2, padding: same }}
train:
  loss: {{ mse: {{ target: image }} }}"""),
        {"image": IMAGE},
        source.weights({
            **kernel_and_bias("conv2d_1", 4, CHANNELS, 3, 3, bias=4),
            **kernel_and_bias("conv2d_2", 2, 4, 3, 3, bias=2),
            **kernel_and_bias("transposed_conv2d_1", 2, CHANNELS, 4, 4, bias=CHANNELS),
        }),
        {"": ([""], lambda w, noise: {"loss": F.mse_loss(net(w), X), **predicted(w, noise)})},
        predicted,
    )


def variational():
    """The negative evidence lower bound (Kingma & Welling 2014), by PyTorch's distributions."""

    def net(w, noise):
        h = torch.tanh(dense(w, "hidden", flat(X)))
        q = torch.distributions.Normal(dense(w, "mean", h), (dense(w, "log_variance", h) / 2).exp())
        return q, decoded(w, q.mean + q.stddev * noise.normal(0, N, 2))

    def losses(w, noise):
        q, y = net(w, noise)
        p = torch.distributions.Normal(torch.zeros(N, 2), torch.ones(N, 2))
        likelihood = sum_per_example(BCE(y, X, reduction="none"))
        divergence = torch.distributions.kl_divergence(q, p).sum(1).mean()
        return {
            "loss": likelihood + 0.5 * divergence,
            "loss.binary_cross_entropy": likelihood,
            "loss.kl_divergence": divergence,
            "image": shown(y),
        }

    return make(
        spec(f"""networks:
  decoder: {{ layers: {decoder_layers()} }}
model:
  layers:
    - flatten
    - {{ dense: {{ units: 5, activation: tanh }}, as: hidden }}
    - {{ dense: 2, from: hidden, as: mean }}
    - {{ dense: 2, from: hidden, as: log_variance }}
    - {{ sample_normal: [mean, log_variance], as: z }}
    - {{ use: decoder, from: z, as: reconstruction }}
train:
  losses:
    - binary_cross_entropy: {{ output: reconstruction, target: image, reduce: sum }}
    - kl_divergence: {{ mean: mean, log_variance: log_variance, weight: 0.5 }}"""),
        {"image": IMAGE},
        source.weights({
            **kernel_and_bias("hidden", ALL, 5, bias=5),
            **kernel_and_bias("mean", 5, 2, bias=2),
            **kernel_and_bias("log_variance", 5, 2, bias=2),
            **DENSE_DECODER,
        }),
        {"": ([""], losses)},
        lambda w, noise: {"image": shown(net(w, noise)[1])},
    )


# ------------------------------------------------------------------ adversarial networks


def adversarial(phases, model, update, decoded, optimizer, rate):
    """`decoded`: from the score of a real image to what the head says."""
    return make(
        spec(f"""networks:
  generator:
    layers:
      - dense: {{ units: 12, bias: false }}
      - batch_norm: {{ momentum: 0.9 }}
      - relu
      - reshape: [2, 2, 3]
      - transposed_conv2d: {{ filters: {CHANNELS}, kernel: 4, stride: 2, padding: same, activation: sigmoid }}
  discriminator:
    layers:
      - conv2d: {{ filters: 3, kernel: 3, stride: 2, padding: same }}
      - leaky_relu: 0.2
      - flatten
      - dense: {{ units: 4, activation: tanh }}
      - dense: 1
model:
  layers:
    - {{ noise: 2, as: z }}
    - {{ use: generator, from: z, as: drawn }}
    - {{ use: discriminator, from: image, as: real }}
    - {{ use: discriminator, from: drawn, as: fake }}{model}
train:
  phases:{update}"""),
        {"image": IMAGE},
        source.weights({
            "generator.dense_1.kernel": [2, 12],
            **{f"generator.batch_norm_1.{name}": [12] for name in ["scale", "offset", "mean", "variance"]},
            **kernel_and_bias("generator.transposed_conv2d_1", 3, CHANNELS, 4, 4, bias=CHANNELS),
            **kernel_and_bias("discriminator.conv2d_1", 3, CHANNELS, 3, 3, bias=3),
            **kernel_and_bias("discriminator.dense_1", 12, 4, bias=4),
            **kernel_and_bias("discriminator.dense_2", 4, 1, bias=1),
        }),
        {name: ([f"{name}."], losses) for name, losses in phases.items()},
        lambda w, _: {"real": decoded(judged(w, X))},
        optimizer=optimizer,
        rate=rate,
    )


def drawn(w, noise):
    y = batch_norm(w, "generator.batch_norm_1", dense(w, "generator.dense_1", noise.normal(0, N, 2)), True)
    y = images(torch.relu(y), 2, 2, 3)
    return torch.sigmoid(transposed_conv(w, "generator.transposed_conv2d_1", y, 2))


def judged(w, x):
    y = F.leaky_relu(conv(w, "discriminator.conv2d_1", x, stride=2), 0.2)
    return dense(w, "discriminator.dense_2", torch.tanh(dense(w, "discriminator.dense_1", flat(y))))


def gan():
    """Goodfellow et al. 2014, the generator's loss that does not saturate; one-sided label smoothing."""

    def discriminator(w, noise):
        real, fake = judged(w, X), judged(w, drawn(w, noise))
        parts = BCE(real, torch.full_like(real, 0.9)), BCE(fake, torch.zeros_like(fake))
        names = [f"loss.discriminator.binary_cross_entropy_{i}" for i in [1, 2]]
        return {"loss": sum(parts), **dict(zip(names, parts)), "real": torch.sigmoid(real)}

    def generator(w, noise):
        fake = judged(w, drawn(w, noise))
        return {"loss": BCE(fake, torch.ones_like(fake))}

    return adversarial(
        {"discriminator": discriminator, "generator": generator},
        "",
        """
    - update: discriminator
      losses:
        - binary_cross_entropy: { output: real, target: 0.9 }
        - binary_cross_entropy: { output: fake, target: 0 }
    - { update: generator, losses: [{ binary_cross_entropy: { output: fake, target: 1 } }] }""",
        torch.sigmoid,
        "adam, beta1 0.5",
        0.01,
    )


def wasserstein():
    """Gulrajani et al. 2017, algorithm 1."""

    def discriminator(w, noise):
        fake = drawn(w, noise)
        share = noise.uniform(2, N, 1, 1, 1)
        mixed = share * X + (1 - share) * fake
        (slope,) = torch.autograd.grad(judged(w, mixed).sum(), mixed, create_graph=True)
        penalty = ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean()
        real, fake = judged(w, X), judged(w, fake)
        return {
            "loss": fake.mean() - real.mean() + 10 * penalty,
            "loss.discriminator.wasserstein_1": -real.mean(),
            "loss.discriminator.wasserstein_2": fake.mean(),
            "loss.discriminator.gradient_penalty": penalty,
            "real": real,
        }

    def generator(w, noise):
        return {"loss": -judged(w, drawn(w, noise)).mean()}

    return adversarial(
        {"discriminator": discriminator, "generator": generator},
        """
    - { interpolate: [image, drawn], as: mixed }
    - { use: discriminator, from: mixed, as: between }""",
        """
    - update: discriminator
      losses:
        - wasserstein: { output: real, target: -1 }
        - wasserstein: { output: fake, target: 1 }
        - gradient_penalty: { output: between, input: mixed, weight: 10 }
    - { update: generator, losses: [{ wasserstein: { output: fake, target: -1 } }] }""",
        lambda score: score,
        "sgd",
        0.02,
    )


cases = {
    "autoencoder": autoencoder(),
    "convolutional autoencoder": convolutional_autoencoder(),
    "variational autoencoder": variational(),
    "adversarial networks": gan(),
    "Wasserstein critic with gradient penalty": wasserstein(),
}
write(__file__, cases)
