"""Triton kernels of a decoder layer: normalisation, rotary embedding, activation, KV-cache write, decode attention.

They follow what serving engines launch (one fused kernel per operation, one row of tokens per program) and are ours:
their times stand for a good engine kernel, not for a particular library's.
"""
import torch
import triton
import triton.language as tl

from common import HEAD_DIM, relative_error

PAGE = 16  # tokens per KV-cache block


@triton.jit
def add_rms_norm_kernel(x_ptr, residual_ptr, weight_ptr, width, eps, BLOCK: tl.constexpr):
    """residual += x; x = norm(residual) * weight, both in place."""
    row = tl.program_id(0).to(tl.int64)
    at = tl.arange(0, BLOCK)
    inside = at < width
    x = tl.load(x_ptr + row * width + at, mask=inside, other=0.0).to(tl.float32)
    r = tl.load(residual_ptr + row * width + at, mask=inside, other=0.0).to(tl.float32)
    total = x + r
    tl.store(residual_ptr + row * width + at, total.to(tl.bfloat16), mask=inside)
    scale = tl.rsqrt(tl.sum(total * total, axis=0) / width + eps)
    w = tl.load(weight_ptr + at, mask=inside, other=0.0).to(tl.float32)
    tl.store(x_ptr + row * width + at, (total * scale * w).to(tl.bfloat16), mask=inside)


@triton.jit
def head_norm_kernel(qkv_ptr, weight_ptr, row_width, eps, HEADS: tl.constexpr, D: tl.constexpr):
    """RMS norm of each of HEADS heads of a row, in place (the query/key norm of Qwen3)."""
    row = tl.program_id(0).to(tl.int64)
    head = tl.program_id(1)
    at = head * D + tl.arange(0, D)
    x = tl.load(qkv_ptr + row * row_width + at).to(tl.float32)
    w = tl.load(weight_ptr + tl.arange(0, D)).to(tl.float32)
    scale = tl.rsqrt(tl.sum(x * x, axis=0) / D + eps)
    tl.store(qkv_ptr + row * row_width + at, (x * scale * w).to(tl.bfloat16))


@triton.jit
def rope_kernel(qkv_ptr, position_ptr, table_ptr, row_width, heads, D: tl.constexpr, BLOCK: tl.constexpr):
    """Rotates the first `heads` heads (queries, then keys) of each row in place; table rows hold cos then sin."""
    row = tl.program_id(0).to(tl.int64)
    half: tl.constexpr = D // 2
    head = tl.arange(0, BLOCK)[:, None]
    at = tl.arange(0, half)[None, :]
    inside = (head < heads) & (at < half)
    position = tl.load(position_ptr + row)
    cos = tl.load(table_ptr + position * D + at)
    sin = tl.load(table_ptr + position * D + half + at)
    base = qkv_ptr + row * row_width + head * D + at
    low = tl.load(base, mask=inside, other=0.0).to(tl.float32)
    high = tl.load(base + half, mask=inside, other=0.0).to(tl.float32)
    tl.store(base, (low * cos - high * sin).to(tl.bfloat16), mask=inside)
    tl.store(base + half, (high * cos + low * sin).to(tl.bfloat16), mask=inside)


@triton.jit
def kv_write_kernel(qkv_ptr, slot_ptr, k_ptr, v_ptr, row_width, k_offset, kv_width, BLOCK: tl.constexpr):
    """Stores the keys and values of each row at its slot of the paged cache."""
    row = tl.program_id(0).to(tl.int64)
    slot = tl.load(slot_ptr + row)
    at = tl.arange(0, BLOCK)
    inside = at < kv_width
    key = tl.load(qkv_ptr + row * row_width + k_offset + at, mask=inside)
    value = tl.load(qkv_ptr + row * row_width + k_offset + kv_width + at, mask=inside)
    tl.store(k_ptr + slot * kv_width + at, key, mask=inside)
    tl.store(v_ptr + slot * kv_width + at, value, mask=inside)


@triton.jit
def silu_mul_kernel(x_ptr, out_ptr, width, BLOCK: tl.constexpr):
    """out = silu(x[:width]) * x[width:] per row."""
    row = tl.program_id(0).to(tl.int64)
    at = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = at < width
    gate = tl.load(x_ptr + row * 2 * width + at, mask=inside, other=0.0).to(tl.float32)
    up = tl.load(x_ptr + row * 2 * width + width + at, mask=inside, other=0.0).to(tl.float32)
    tl.store(out_ptr + row * width + at, (gate * tl.sigmoid(gate) * up).to(tl.bfloat16), mask=inside)


@triton.jit
def embedding_kernel(id_ptr, table_ptr, out_ptr, width, BLOCK: tl.constexpr):
    row = tl.program_id(0).to(tl.int64)
    token = tl.load(id_ptr + row)
    at = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = at < width
    tl.store(out_ptr + row * width + at, tl.load(table_ptr + token * width + at, mask=inside), mask=inside)


def add_rms_norm(x, residual, weight):
    width = x.shape[1]
    block = triton.next_power_of_2(width)
    add_rms_norm_kernel[(x.shape[0],)](x, residual, weight, width, 1e-5, BLOCK=block,
                                       num_warps=8 if block <= 4096 else 16)


def head_norm(qkv, weight, heads):
    head_norm_kernel[(qkv.shape[0], heads)](qkv, weight, qkv.shape[1], 1e-6, HEADS=heads, D=HEAD_DIM, num_warps=1)


def rope(qkv, positions, table, heads):
    """heads counts query and key heads together."""
    rope_kernel[(qkv.shape[0],)](qkv, positions, table, qkv.shape[1], heads, D=HEAD_DIM,
                                 BLOCK=triton.next_power_of_2(heads), num_warps=4)


def kv_write(qkv, slots, k_cache, v_cache, heads, kv_heads):
    width = kv_heads * HEAD_DIM
    kv_write_kernel[(qkv.shape[0],)](qkv, slots, k_cache, v_cache, qkv.shape[1], heads * HEAD_DIM, width,
                                     BLOCK=triton.next_power_of_2(width), num_warps=4)


def silu_mul(x, out):
    width = out.shape[1]
    silu_mul_kernel[(x.shape[0], triton.cdiv(width, 2048))](x, out, width, BLOCK=2048, num_warps=4)


def embedding(ids, table, out):
    width = out.shape[1]
    embedding_kernel[(out.shape[0], triton.cdiv(width, 2048))](ids, table, out, width, BLOCK=2048, num_warps=4)


def rope_table(positions, device):
    angle = torch.outer(torch.arange(positions, device=device, dtype=torch.float32),
                        500000.0 ** (-torch.arange(0, HEAD_DIM, 2, device=device, dtype=torch.float32) / HEAD_DIM))
    return torch.cat([angle.cos(), angle.sin()], dim=1).contiguous()


# Decode attention. One program serves one KV head of one sequence over one split of its context: all query heads of
# the group (GQA packing) are rows of the same matrix product. With more than one split a second kernel combines the
# partial results. Program order puts the KV heads innermost, so that neighbours read neighbouring cache lines.
@triton.jit(do_not_specialize=["heads", "kv_heads", "group", "splits", "table_width"])
def decode_attention_kernel(q_ptr, k_ptr, v_ptr, table_ptr, length_ptr, out_ptr, partial_ptr, lse_ptr, scale_log2,
                            q_row, heads, kv_heads, group, splits, table_width, PAGED: tl.constexpr, PAGE: tl.constexpr,
                            SINGLE: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr, D: tl.constexpr,
                            STAGES: tl.constexpr):
    kv_head = tl.program_id(0)
    split = tl.program_id(1)
    seq = tl.program_id(2).to(tl.int64)
    length = tl.load(length_ptr + seq)
    per_split = tl.cdiv(tl.cdiv(length, BLOCK), splits) * BLOCK
    start = split * per_split
    end = tl.minimum(start + per_split, length)

    row = tl.arange(0, ROWS)
    dim = tl.arange(0, D)
    head = kv_head * group + row
    q = tl.load(q_ptr + seq * q_row + head[:, None] * D + dim[None, :], mask=(row < group)[:, None], other=0.0)
    best = tl.full([ROWS], float("-inf"), tl.float32)
    total = tl.zeros([ROWS], tl.float32)
    acc = tl.zeros([ROWS, D], tl.float32)
    for first in tl.range(start, end, BLOCK, num_stages=STAGES):
        token = first + tl.arange(0, BLOCK)
        inside = token < end
        if PAGED:
            page = tl.load(table_ptr + seq * table_width + token // PAGE, mask=inside, other=0)
            slot = page.to(tl.int64) * PAGE + token % PAGE
        else:
            slot = seq * table_width * PAGE + token
        at = (slot * kv_heads + kv_head)[:, None] * D + dim[None, :]
        k = tl.load(k_ptr + at, mask=inside[:, None], other=0.0)
        score = tl.dot(q, tl.trans(k)) * scale_log2
        score = tl.where(inside[None, :], score, float("-inf"))
        higher = tl.maximum(best, tl.max(score, axis=1))
        p = tl.exp2(score - higher[:, None])
        shrink = tl.exp2(best - higher)
        v = tl.load(v_ptr + at, mask=inside[:, None], other=0.0)
        total = total * shrink + tl.sum(p, axis=1)
        acc = acc * shrink[:, None] + tl.dot(p.to(tl.bfloat16), v)
        best = higher
    some = total > 0.0  # a split beyond the end of a short sequence has no tokens
    acc = acc / tl.where(some, total, 1.0)[:, None]
    if SINGLE:
        tl.store(out_ptr + (seq * heads + head)[:, None] * D + dim[None, :], acc.to(tl.bfloat16),
                 mask=(row < group)[:, None])
    else:
        lse = tl.where(some, best + tl.log2(tl.where(some, total, 1.0)), float("-inf"))
        part = (seq * heads + head) * splits + split
        tl.store(partial_ptr + part[:, None] * D + dim[None, :], acc, mask=(row < group)[:, None])
        tl.store(lse_ptr + part, lse, mask=row < group)


@triton.jit(do_not_specialize=["splits"])
def combine_kernel(partial_ptr, lse_ptr, out_ptr, splits, MOST: tl.constexpr, CHUNK: tl.constexpr, D: tl.constexpr):
    """out = sum over splits of the partial results, weighted by 2^lse. One program per query head of a sequence."""
    item = tl.program_id(0).to(tl.int64)
    dim = tl.arange(0, D)
    every = tl.arange(0, MOST)
    lse = tl.load(lse_ptr + item * splits + every, mask=every < splits, other=float("-inf"))
    top = tl.max(lse, axis=0)
    total = tl.sum(tl.exp2(lse - top), axis=0)
    acc = tl.zeros([D], tl.float32)
    for first in range(0, splits, CHUNK):
        part = first + tl.arange(0, CHUNK)
        inside = part < splits
        weight = tl.exp2(tl.load(lse_ptr + item * splits + part, mask=inside, other=float("-inf")) - top)
        at = (item * splits + part)[:, None] * D + dim[None, :]
        values = tl.load(partial_ptr + at, mask=inside[:, None], other=0.0)
        acc += tl.sum(values * weight[:, None], axis=0)
    tl.store(out_ptr + item * D + dim, (acc / total).to(tl.bfloat16))


MOST_SPLITS = 256
CONFIGS = [  # (tokens per block, warps, pipeline stages)
    (64, 4, 3), (128, 4, 3), (64, 4, 4), (128, 8, 3), (32, 2, 4)]


class DecodeScratch:
    """Partial results of the split kernel, big enough for any launch of up to `items` query heads in all."""

    def __init__(self, items, device):
        self.partial = torch.empty(items * HEAD_DIM, dtype=torch.float32, device=device)
        self.lse = torch.empty(items, dtype=torch.float32, device=device)


def decode_attention(q, k_cache, v_cache, table, lengths, out, scratch, kv_heads, splits, config, paged=True):
    """q, out: [batch, heads, 128] (q may be a slice of wider rows); caches: flat [slots, kv_heads, 128]; table: [batch,
    blocks per sequence]."""
    batch, heads = q.shape[0], q.shape[1]
    block, warps, stages = config
    assert splits <= MOST_SPLITS and heads // kv_heads <= 16
    assert splits == 1 or batch * heads * splits <= scratch.lse.numel()
    decode_attention_kernel[(kv_heads, splits, batch)](
        q, k_cache, v_cache, table, lengths, out, scratch.partial, scratch.lse, HEAD_DIM**-0.5 * 1.4426950408889634,
        q.stride(0), heads, kv_heads, heads // kv_heads, splits, table.shape[1], PAGED=paged, PAGE=PAGE,
        SINGLE=splits == 1, ROWS=16, BLOCK=block, D=HEAD_DIM, STAGES=stages, num_warps=warps)
    if splits > 1:
        combine_kernel[(batch * heads,)](scratch.partial, scratch.lse, out, splits, MOST=MOST_SPLITS, CHUNK=32,
                                         D=HEAD_DIM, num_warps=4)


@triton.jit(do_not_specialize=["splits"])
def merge_kernel(old_ptr, old_lse_ptr, new_ptr, new_lse_ptr, out_ptr, queries, old_split, old_row, old_head, new_row,
                 new_head, heads, splits, HEADS: tl.constexpr, D: tl.constexpr):
    """Joins attention over several key ranges by their (natural) log-sum-exp; one program per query, all heads."""
    row = tl.program_id(0).to(tl.int64)
    head = tl.arange(0, HEADS)
    dim = tl.arange(0, D)[None, :]
    inside = head < heads
    new_lse = tl.load(new_lse_ptr + head * queries + row, mask=inside, other=0.0)
    top = new_lse
    for s in range(splits):
        top = tl.maximum(top, tl.load(old_lse_ptr + (s * heads + head) * queries + row, mask=inside, other=0.0))
    total = tl.exp(new_lse - top)
    tile = head[:, None]
    acc = tl.load(new_ptr + row * new_row + tile * new_head + dim, mask=inside[:, None], other=0.0).to(tl.float32)
    acc = acc * total[:, None]
    for s in range(splits):
        lse = tl.load(old_lse_ptr + (s * heads + head) * queries + row, mask=inside, other=0.0)
        share = tl.exp(lse - top)
        at = old_ptr + s.to(tl.int64) * old_split + row * old_row + tile * old_head + dim
        acc += tl.load(at, mask=inside[:, None], other=0.0).to(tl.float32) * share[:, None]
        total += share
    acc = acc / total[:, None]
    tl.store(out_ptr + (row * heads + tile) * D + dim, acc.to(tl.bfloat16), mask=inside[:, None])


def merge_attention(old, old_lse, new, new_lse, out):
    """old: [splits, heads, queries, 128], new: [1, heads, queries, 128], any layout with contiguous rows; log-sum-exps
    dense in that order; out: [queries, heads, 128]."""
    splits, heads, queries = old.shape[:3]
    merge_kernel[(queries,)](old, old_lse, new, new_lse, out, queries, old.stride(0), old.stride(2), old.stride(1),
                             new.stride(2), new.stride(1), heads, splits, HEADS=triton.next_power_of_2(heads),
                             D=HEAD_DIM, num_warps=4)


def reference_attention(q, k, v, causal):
    """float32 oracle. q: [heads, queries, d]; k, v: [kv_heads, keys, d]; causal is aligned to the last key."""
    group = q.shape[0] // k.shape[0]
    k, v = k.float().repeat_interleave(group, 0), v.float().repeat_interleave(group, 0)
    score = q.float() @ k.transpose(1, 2) * HEAD_DIM**-0.5
    if causal:
        queries, keys = q.shape[1], k.shape[1]
        mask = torch.ones(queries, keys, dtype=torch.bool, device=q.device).tril(keys - queries)
        score = score.masked_fill(~mask, float("-inf"))
    return score.softmax(-1) @ v


def check_all(device, log):
    """Compares every kernel with a float32 reference on fresh random inputs, ragged where lengths can be."""
    bf16 = dict(dtype=torch.bfloat16, device=device)
    worst = {}
    x, residual, weight = torch.randn(7, 5120, **bf16), torch.randn(7, 5120, **bf16), torch.randn(5120, **bf16)
    total = x.float() + residual.float()
    want = total * torch.rsqrt(total.pow(2).mean(1, keepdim=True) + 1e-5) * weight.float()
    add_rms_norm(x, residual, weight)
    worst["add_rms_norm"] = max(relative_error(x, want), relative_error(residual, total))

    gate_up, act = torch.randn(5, 2 * 3584, **bf16), torch.full((5, 3584), float("nan"), **bf16)
    silu_mul(gate_up, act)
    gate, up = gate_up.float().chunk(2, 1)
    worst["silu_mul"] = relative_error(act, gate * gate.sigmoid() * up)

    ids, rows = torch.randint(0, 100, (9,), device=device), torch.randn(100, 4096, **bf16)
    got = torch.full((9, 4096), float("nan"), **bf16)
    embedding(ids, rows, got)
    worst["embedding"] = relative_error(got, rows[ids])

    heads, kv_heads = 32, 8
    qkv = torch.randn(6, (heads + 2 * kv_heads) * HEAD_DIM, **bf16)
    before = qkv.float().view(6, -1, HEAD_DIM)
    norm_weight = torch.randn(HEAD_DIM, **bf16)
    want = before.clone()
    part = want[:, : heads + kv_heads]
    want[:, : heads + kv_heads] = part * torch.rsqrt(part.pow(2).mean(2, keepdim=True) + 1e-6) * norm_weight.float()
    head_norm(qkv, norm_weight, heads + kv_heads)
    worst["head_norm"] = relative_error(qkv.view(6, -1, HEAD_DIM), want)
    table, positions = rope_table(1000, device), torch.randint(0, 1000, (6,), device=device)
    before = qkv.float().view(6, -1, HEAD_DIM)
    cos, sin = table[positions][:, None].chunk(2, 2)
    low, high = before[:, : heads + kv_heads].chunk(2, 2)
    want = before.clone()
    want[:, : heads + kv_heads] = torch.cat([low * cos - high * sin, high * cos + low * sin], 2)
    rope(qkv, positions, table, heads + kv_heads)
    worst["rope"] = relative_error(qkv.view(6, -1, HEAD_DIM), want)

    k_cache = torch.randn(4096 * kv_heads * HEAD_DIM, **bf16)
    v_cache = torch.randn(4096 * kv_heads * HEAD_DIM, **bf16)
    slots = torch.randperm(4096, device=device)[:6]
    kv_write(qkv, slots, k_cache, v_cache, heads, kv_heads)
    rows = qkv.view(6, -1, HEAD_DIM)
    worst["kv_write"] = max(relative_error(k_cache.view(4096, kv_heads, -1)[slots], rows[:, heads: heads + kv_heads]),
                            relative_error(v_cache.view(4096, kv_heads, -1)[slots], rows[:, heads + kv_heads:]))
    worst["decode"] = check_decode(device)
    for name, error in worst.items():
        log(f"check {name}: relative error {error:.2e}")
        if not error < 1e-2:
            raise AssertionError(f"{name} is wrong: relative error {error}")


def check_decode(device):
    bf16 = dict(dtype=torch.bfloat16, device=device)
    scratch = DecodeScratch(4 * 64 * MOST_SPLITS, device)
    worst = 0.0
    for heads, kv_heads in ((32, 8), (64, 8), (8, 1)):
        lengths = torch.tensor([1, 700, 129, 64], dtype=torch.int32, device=device)
        blocks = 700 // PAGE + 1
        k = torch.randn(4 * blocks * PAGE, kv_heads, HEAD_DIM, **bf16)
        v = torch.randn(4 * blocks * PAGE, kv_heads, HEAD_DIM, **bf16)
        table = torch.randperm(4 * blocks, device=device).int().view(4, blocks)
        q = torch.randn(4, heads + 3, HEAD_DIM, **bf16)[:, :heads]  # a slice, as of fused projections
        for splits, config in [(1, CONFIGS[0]), (3, CONFIGS[1]), (16, CONFIGS[2]), (33, CONFIGS[3]), (2, CONFIGS[4])]:
            out = torch.full((4, heads, HEAD_DIM), float("nan"), **bf16)
            decode_attention(q, k, v, table, lengths, out, scratch, kv_heads, splits, config)
            for s in range(4):
                n = int(lengths[s])
                at = (table[s].long()[:, None] * PAGE + torch.arange(PAGE, device=device)).flatten()[:n]
                want = reference_attention(q[s][:, None], k[at].transpose(0, 1), v[at].transpose(0, 1), False)
                worst = max(worst, relative_error(out[s][:, None], want))
    return worst
