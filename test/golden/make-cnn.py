"""Makes cnn.json: convolutional networks computed by PyTorch.

    pip install torch==2.13.0 numpy && python make-cnn.py
"""
import torch
from golden import F, Source, batch_norm, conv, dense, first, flat, make, same, transposed_conv, write

source = Source(21)
N, HEIGHT, WIDTH, CHANNELS = 3, 6, 7, 2
IMAGE = source.pixels(N, HEIGHT, WIDTH, CHANNELS)
KIND = torch.tensor([2, 0, 1])
X = first(IMAGE / 255)


def classifier(layers, shapes, net, optimizer):
    """`net`: (w, training) -> scores of three classes."""

    def forward(w, _):
        scores = net(w, True)
        return {"loss": F.cross_entropy(scores, KIND), "kind": torch.softmax(scores, 1)}

    spec = f"""
data:
  source: {{ arrays: true }}
  features: {{ image: {{ type: image, shape: [{HEIGHT}, {WIDTH}, {CHANNELS}], scale: unit }} }}
  targets: {{ kind: {{ type: category, classes: [a, b, c] }} }}
model:
  layers:{layers}
train:
  loss: cross_entropy
"""
    return make(
        spec,
        {"image": IMAGE, "kind": KIND},
        source.weights(shapes),
        {"": ([""], forward)},
        lambda w, _: {"kind": torch.softmax(net(w, False), 1)},
        optimizer,
    )


def norm_shapes(at, channels):
    return {f"{at}.{name}": [channels] for name in ["scale", "offset", "mean", "variance"]}


def plain(w, training):
    y = torch.relu(batch_norm(w, "batch_norm_1", conv(w, "conv2d_1", X, stride=2), training))
    y = torch.relu(conv(w, "conv2d_2", y, dilation=2))
    y = F.max_pool2d(same(y, 3, 2, value=-torch.inf), 3, 2)
    return dense(w, "dense_1", flat(y))


def residual(w, training):
    x = conv(w, "stem", X)
    y = torch.relu(batch_norm(w, "batch_norm_1", conv(w, "conv2d_1", x, stride=2), training))
    y = batch_norm(w, "batch_norm_2", conv(w, "conv2d_2", y), training)
    short = batch_norm(w, "batch_norm_3", F.conv2d(x, w["short.kernel"], None, 2), training)
    return dense(w, "dense_1", torch.relu(y + short).mean((2, 3)))


def alexnet(w, _):
    def normalised(x):
        # PyTorch divides alpha by the size of the window.
        return F.local_response_norm(x, 5, 5 * 0.02, 0.75, 2.0)

    y = normalised(torch.relu(F.conv2d(X, w["conv2d_1.kernel"], w["conv2d_1.bias"], 1, 1)))
    y = F.max_pool2d(y, 3, 2)
    y = normalised(torch.relu(conv(w, "conv2d_2", y, groups=2)))
    return dense(w, "dense_2", torch.relu(dense(w, "dense_1", flat(y))))


def mobile(w, training):
    y = conv(w, "depthwise_conv2d_1", X, stride=2, groups=CHANNELS)
    y = F.relu6(batch_norm(w, "batch_norm_1", y, training))
    y = F.conv2d(same(y, 2), w["separable_conv2d_1.depthwise_kernel"], groups=4)
    y = F.conv2d(y, w["separable_conv2d_1.pointwise_kernel"], w["separable_conv2d_1.bias"])
    squeezed = y.mean((2, 3))
    gate = torch.sigmoid(dense(w, "dense_2", F.silu(dense(w, "dense_1", squeezed))))
    return dense(w, "dense_3", flat(F.avg_pool2d(y * gate[:, :, None, None], 2)))


def unet(w, _):
    down = torch.relu(conv(w, "down", X))
    low = torch.relu(conv(w, "low", F.max_pool2d(down, 2)))
    up = F.elu(transposed_conv(w, "up", low, 2))
    near = F.interpolate(low, scale_factor=2, mode="nearest")
    # A column of zeros where pooling has left one out.
    joined = torch.cat([F.pad(torch.cat([up, near], 1), [0, 1]), down], 1)
    y = F.conv2d(joined, w["conv2d_1.kernel"], w["conv2d_1.bias"])
    return y.amax((2, 3))


cases = {
    "convolution, batch norm, pooling, dense": classifier(
        """
    - conv2d: { filters: 4, kernel: 4, stride: 2, padding: same, bias: false }
    - batch_norm: { momentum: 0.9 }
    - relu
    - conv2d: { filters: 4, kernel: 3, dilation: 2, padding: same, activation: relu }
    - max_pool2d: { size: 3, stride: 2, padding: same }
    - flatten
    - dense: 3""",
        {
            "conv2d_1.kernel": [4, CHANNELS, 4, 4],
            **norm_shapes("batch_norm_1", 4),
            "conv2d_2.kernel": [4, 4, 3, 3],
            "conv2d_2.bias": [4],
            "dense_1.kernel": [2 * 2 * 4, 3],
            "dense_1.bias": [3],
        },
        plain,
        "sgd",
    ),
    "residual block": classifier(
        """
    - { conv2d: { filters: 3, kernel: 3, padding: same, bias: false }, as: stem }
    - conv2d: { filters: 4, kernel: 3, stride: 2, padding: same, bias: false }
    - batch_norm: { momentum: 0.9 }
    - relu
    - conv2d: { filters: 4, kernel: 3, padding: same, bias: false }
    - { batch_norm: { momentum: 0.9 }, as: batch_norm_2 }
    - { conv2d: { filters: 4, kernel: 1, stride: 2, bias: false }, from: stem, as: short }
    - { batch_norm: { momentum: 0.9 }, as: batch_norm_3 }
    - add: [batch_norm_2, batch_norm_3]
    - relu
    - global_avg_pool2d
    - dense: 3""",
        {
            "stem.kernel": [3, CHANNELS, 3, 3],
            "conv2d_1.kernel": [4, 3, 3, 3],
            **norm_shapes("batch_norm_1", 4),
            "conv2d_2.kernel": [4, 4, 3, 3],
            **norm_shapes("batch_norm_2", 4),
            "short.kernel": [4, 3, 1, 1],
            **norm_shapes("batch_norm_3", 4),
            "dense_1.kernel": [4, 3],
            "dense_1.bias": [3],
        },
        residual,
        "adam",
    ),
    "local response norm, groups, overlapping pooling": classifier(
        """
    - conv2d: { filters: 6, kernel: 3, padding: 1, activation: relu }
    - local_response_norm: { size: 5, alpha: 0.02, beta: 0.75, k: 2 }
    - max_pool2d: { size: 3, stride: 2 }
    - conv2d: { filters: 8, kernel: 2, groups: 2, padding: same, activation: relu }
    - local_response_norm: { size: 5, alpha: 0.02, beta: 0.75, k: 2 }
    - flatten
    - dense: { units: 5, activation: relu }
    - dense: 3""",
        {
            "conv2d_1.kernel": [6, CHANNELS, 3, 3],
            "conv2d_1.bias": [6],
            "conv2d_2.kernel": [8, 3, 2, 2],
            "conv2d_2.bias": [8],
            "dense_1.kernel": [2 * 3 * 8, 5],
            "dense_1.bias": [5],
            "dense_2.kernel": [5, 3],
            "dense_2.bias": [3],
        },
        alexnet,
        "momentum",
    ),
    "depthwise and separable convolution, squeeze and excitation": classifier(
        """
    - depthwise_conv2d: { kernel: 3, stride: 2, padding: same, multiplier: 2, bias: false }
    - batch_norm: { momentum: 0.9 }
    - relu6
    - { separable_conv2d: { filters: 5, kernel: 2, padding: same }, as: separable_conv2d_1 }
    - global_avg_pool2d
    - dense: { units: 2, activation: swish }
    - dense: { units: 5, activation: sigmoid }
    - { reshape: [1, 1, 5], as: gate }
    - multiply: [separable_conv2d_1, gate]
    - avg_pool2d: 2
    - flatten
    - dense: 3""",
        {
            "depthwise_conv2d_1.kernel": [4, 1, 3, 3],
            **norm_shapes("batch_norm_1", 4),
            "separable_conv2d_1.depthwise_kernel": [4, 1, 2, 2],
            "separable_conv2d_1.pointwise_kernel": [5, 4, 1, 1],
            "separable_conv2d_1.bias": [5],
            "dense_1.kernel": [5, 2],
            "dense_1.bias": [2],
            "dense_2.kernel": [2, 5],
            "dense_2.bias": [5],
            "dense_3.kernel": [1 * 2 * 5, 3],
            "dense_3.bias": [3],
        },
        mobile,
        "adam",
    ),
    "down and up again, joined": classifier(
        """
    - { conv2d: { filters: 2, kernel: 3, padding: same, activation: relu }, as: down }
    - max_pool2d: 2
    - { conv2d: { filters: 4, kernel: 3, padding: same, activation: relu }, as: low }
    - { transposed_conv2d: { filters: 3, kernel: 3, stride: 2, padding: same, activation: elu }, as: up }
    - { upsample2d: 2, from: low, as: near }
    - concat: [up, near]
    - { zero_pad2d: [0, 0, 0, 1], as: wide }
    - concat: [wide, down]
    - conv2d: { filters: 3, kernel: 1 }
    - global_max_pool2d""",
        {
            "down.kernel": [2, CHANNELS, 3, 3],
            "down.bias": [2],
            "low.kernel": [4, 2, 3, 3],
            "low.bias": [4],
            "up.kernel": [4, 3, 3, 3],
            "up.bias": [3],
            "conv2d_1.kernel": [3, 9, 1, 1],
            "conv2d_1.bias": [3],
        },
        unet,
        "adam",
    ),
}
write(__file__, cases)
