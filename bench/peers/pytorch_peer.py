"""The network of models/cifar10-cnn in PyTorch (eager, channels-last). Protocol: see subprocess.mjs."""
import json
import sys

import torch
from peer import serve
from torch import nn

settings = json.loads(sys.argv[1])
batch, threads = settings["batch"], settings["threads"]
torch.set_num_threads(threads)
torch.manual_seed(1)

model = nn.Sequential(
    nn.Conv2d(3, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(64, 64, 3), nn.ReLU(), nn.Flatten(),
    nn.Linear(1024, 64), nn.ReLU(), nn.Linear(64, 10),
).to(memory_format=torch.channels_last)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-7)
criterion = nn.CrossEntropyLoss()
images = torch.randint(0, 256, (batch, 32, 32, 3), dtype=torch.uint8)
labels = torch.randint(0, 10, (batch,))


def step():
    # From bytes in HWC order, as our own step starts; the permuted view is channels-last.
    x = images.permute(0, 3, 1, 2).float() / 255
    optimizer.zero_grad(set_to_none=True)
    loss = criterion(model(x), labels)
    loss.backward()
    optimizer.step()
    return loss.item()


serve(f"PyTorch {torch.__version__.split('+')[0]}", step)
