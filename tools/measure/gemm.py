"""Section gemm: bf16 matrix products of the models' layers through torch (cuBLAS)."""
import torch

from common import DEVICE, DTYPE, MODELS, TOKENS, calls_per_graph, fill_random, time_calls

RESTED_FROM = 192  # tokens; from about here on products are compute-bound and draw the power limit


def measure(ctx, log):
    table = ctx.table("gemm.csv", ["model", "tp", "layer", "m", "n", "k", "time_us", "best_us", "p90_us", "calls"], [
        "bf16 y[m,n] = x[m,k] w[n,k]^T through torch.mm (cuBLAS), random data, no bias",
        f"m >= {RESTED_FROM}: bursts with rest between them, so that the clock does not drop under the power limit",
        "weights cold: the calls of one replay use different weights, in all at least 200 MB (L2 50 MB); x and y stay",
        f"median, best and 90th percentile of {ctx.repeats} graph replays of `calls` products each; a time includes "
        "the gap to the next kernel"])
    pool = ctx.pool(4)
    x_flat = torch.empty(max(TOKENS) * 14336, dtype=DTYPE, device=DEVICE)
    fill_random(x_flat)
    y_flat = torch.empty(max(TOKENS) * 128256, dtype=DTYPE, device=DEVICE)
    tokens = TOKENS if not ctx.quick else [1, 256, 8192]
    seen = {}
    for model in MODELS:
        for layer, n, k in model.layers():
            for m in tokens:
                ctx.clock.check()
                if (m, n, k) not in seen:
                    seen[m, n, k] = time_one(ctx, pool, x_flat[: m * k].view(m, k), y_flat[: m * n].view(m, n))
                t = seen[m, n, k]
                table.add(model=model.name, tp=model.tp, layer=layer, m=m, n=n, k=k, time_us=t.median, best_us=t.best,
                          p90_us=t.p90, calls=t.calls)
            t = seen[tokens[-1], n, k]
            log(f"gemm {model.name} tp{model.tp} {layer}: m={tokens[-1]} {2e-6 * tokens[-1] * n * k / t.median:.0f} "
                f"TFLOP/s, m=1 {2e-3 * n * k / seen[1, n, k].median:.0f} GB/s")


def time_one(ctx, pool, x, y):
    (m, k), n = x.shape, y.shape[1]
    size = n * k
    estimate = max(2e-6 * m * n * k / 700, 2e-3 * (n * k + m * k + m * n) / 3000) + 3
    calls = calls_per_graph(estimate, 2 * size)
    copies = min(calls, pool.numel() // size)
    weights = [pool[i * size: (i + 1) * size].view(n, k) for i in range(copies)]
    return time_calls(ctx, [product(x, weights[i % copies], y) for i in range(calls)], rested=m >= RESTED_FROM)


def product(x, w, y):
    transposed = w.t()
    return lambda: torch.mm(x, transposed, out=y)
