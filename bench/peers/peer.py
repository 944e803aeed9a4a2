"""What peers in Python have in common: the protocol of subprocess.mjs."""
import json
import sys
import time


def serve(name, step):
    """Runs `step` as often as each line of stdin says; `step` returns the loss as a number."""
    print(json.dumps({"name": name}), flush=True)
    for line in sys.stdin:
        steps = int(line)
        start = time.perf_counter()
        for _ in range(steps):
            loss = step()
        print(json.dumps({"ms": (time.perf_counter() - start) * 1000, "loss": loss}), flush=True)
