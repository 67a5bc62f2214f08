"""Section elementwise: normalisation, rotary embedding, activation, embedding and KV write, one Triton kernel each."""
import torch

import kernels
from common import DEVICE, DTYPE, HEAD_DIM, MODELS, TOKENS, fill_random, time_calls

CALLS = 64


def measure(ctx, log):
    table = ctx.table("elementwise.csv", ["op", "m", "width", "bytes", "time_us", "best_us"], [
        "fused Triton kernels, bf16, random data; width: hidden size (add_rms_norm, embedding), rotated or normalised "
        "query+key width (rope, qk_norm), intermediate size (silu_mul), key+value width (kv_write)",
        "bytes: least traffic of the operation (inputs once, outputs once, without weights of the norm)",
        "L2 warm: every call works on the same buffers, as in a step, where the kernel before has just written them",
        f"median and best of {ctx.repeats} graph replays of up to {CALLS} calls; a time includes the gap to the next "
        "kernel"])
    tokens = TOKENS if not ctx.quick else [1, 8192]
    for op, width, make, per_token in operations():
        for m in tokens:
            ctx.clock.check()
            call = make(m)
            calls = CALLS if m <= 1024 else 16
            t = time_calls(ctx, [call] * calls)
            table.add(op=op, m=m, width=width, bytes=per_token * m, time_us=t.median, best_us=t.best)
        log(f"elementwise {op} {width}: m={tokens[-1]} {1e-3 * per_token * tokens[-1] / t.median:.0f} GB/s")


def rand(*shape):
    x = torch.empty(*shape, dtype=DTYPE, device=DEVICE)
    fill_random(x)
    return x


def operations():
    """(name, width, maker of the call for m tokens, least bytes per token), each width once."""
    found = {}
    for model in MODELS:
        hidden, heads, kv_heads = model.hidden, model.heads, model.kv_heads
        rotated = (heads + kv_heads) * HEAD_DIM
        found["add_rms_norm", hidden] = (lambda m, h=hidden: norm_call(m, h), 8 * hidden)
        found["embedding", hidden] = (lambda m, h=hidden, v=model.vocab: embedding_call(m, h, v), 4 * hidden)
        found["rope", rotated] = (lambda m, h=heads, k=kv_heads: rope_call(m, h, k), 4 * rotated)
        width = model.intermediate
        found["silu_mul", width] = (lambda m, f=width: silu_call(m, f), 6 * width)
        found["kv_write", 2 * kv_heads * HEAD_DIM] = (lambda m, h=heads, k=kv_heads: kv_write_call(m, h, k),
                                                      8 * kv_heads * HEAD_DIM)
        if model.qk_norm:
            found["qk_norm", rotated] = (lambda m, h=heads, k=kv_heads: qk_norm_call(m, h, k), 4 * rotated)
    return [(op, width, make, size) for (op, width), (make, size) in sorted(found.items())]


def norm_call(m, hidden):
    x, residual, weight = rand(m, hidden), rand(m, hidden), rand(hidden)
    return lambda: kernels.add_rms_norm(x, residual, weight)


def embedding_call(m, hidden, vocab):
    rows = rand(vocab, hidden)
    ids, out = torch.randint(0, vocab, (m,), device=DEVICE), rand(m, hidden)
    return lambda: kernels.embedding(ids, rows, out)


def rope_call(m, heads, kv_heads):
    qkv = rand(m, (heads + 2 * kv_heads) * HEAD_DIM)
    cos_sin = kernels.rope_table(8192, DEVICE)
    positions = torch.arange(m, device=DEVICE)
    return lambda: kernels.rope(qkv, positions, cos_sin, heads + kv_heads)


def qk_norm_call(m, heads, kv_heads):
    qkv, weight = rand(m, (heads + 2 * kv_heads) * HEAD_DIM), rand(HEAD_DIM)
    return lambda: kernels.head_norm(qkv, weight, heads + kv_heads)


def silu_call(m, width):
    x, out = rand(m, 2 * width), rand(m, width)
    return lambda: kernels.silu_mul(x, out)


def kv_write_call(m, heads, kv_heads):
    qkv = rand(m, (heads + 2 * kv_heads) * HEAD_DIM)
    k_cache, v_cache = rand(65536, kv_heads * HEAD_DIM), rand(65536, kv_heads * HEAD_DIM)
    slots = torch.randperm(65536, device=DEVICE)[:m]
    return lambda: kernels.kv_write(qkv, slots, k_cache, v_cache, heads, kv_heads)
