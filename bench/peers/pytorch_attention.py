"""Multi-head self-attention in PyTorch, forward and backward with a step of SGD. Protocol: see subprocess.mjs."""
import json
import sys

import torch
from peer import serve
from torch import nn

settings = json.loads(sys.argv[1])
torch.set_num_threads(settings["threads"])
torch.manual_seed(1)

model = nn.MultiheadAttention(128, 4, batch_first=True)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
x = torch.rand(settings["batch"], 64, 128)
y = torch.rand(settings["batch"], 64, 128)


def step():
    optimizer.zero_grad(set_to_none=True)
    loss = nn.functional.mse_loss(model(x, x, x, need_weights=False)[0], y)
    loss.backward()
    optimizer.step()
    return loss.item()


serve(f"PyTorch {torch.__version__.split('+')[0]}", step)
