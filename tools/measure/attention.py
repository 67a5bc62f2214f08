"""Sections decode and prefill: attention over a KV cache."""
import math

import torch

import kernels
from common import DEVICE, DTYPE, HEAD_DIM, calls_per_graph, relative_error, time_calls

HEADS = [(32, 8), (16, 2), (8, 1), (64, 8)]
BATCHES = [1, 4, 16, 64, 128, 256]
CONTEXTS = [512, 2048, 8192, 32768, 131072]
CHUNKS = [128, 512, 2048, 8192]
PREFIXES = [0, 8192, 32768, 65536]
SPLITS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256]
SCRATCH_ITEMS = 128 * 1024
RAGGED = [(b, c) for b in (16, 64, 256) for c in (2048, 8192)]


def split_candidates(units, context, sms):
    """Splits worth trying: from too few programs to fill the GPU up to some 32 per SM, at least 64 tokens each."""
    most = max(1, context // 64)
    near = [s for s in SPLITS if s <= most and (s == 1 or units * s <= 32 * sms)]
    useful = [s for s in near if units * s >= 0.4 * sms] or near[-2:]
    return useful


class DecodeCase:
    """Queries and block tables of one batch; each of `copies` tables reads other blocks of the cache. Lengths run
    evenly over context * (1 -+ spread)."""

    def __init__(self, k_cache, v_cache, heads, kv_heads, batch, context, copies, scratch, spread=0.0):
        self.k, self.v, self.kv_heads, self.scratch = k_cache, v_cache, kv_heads, scratch
        self.q = torch.randn(batch, heads, HEAD_DIM, dtype=DTYPE, device=DEVICE)
        self.out = torch.empty_like(self.q)
        lengths = torch.full((batch,), float(context))
        if spread:
            lengths *= torch.linspace(1 - spread, 1 + spread, batch)
        self.lengths = lengths.round().int()[torch.randperm(batch)].to(DEVICE)
        blocks = math.ceil(context * (1 + spread) / kernels.PAGE)
        order = torch.randperm(copies * batch * blocks, device=DEVICE).int()
        self.tables = order.view(copies, batch, blocks)

    def call(self, copy, splits, config, paged=True):
        table = self.tables[copy % len(self.tables)]
        return lambda: kernels.decode_attention(self.q, self.k, self.v, table, self.lengths, self.out, self.scratch,
                                                self.kv_heads, splits, config, paged)


def tune_decode(ctx, case, calls, candidates, configs):
    """The fastest (time, splits, config) of a few replays each; configurations are tried at the best split found."""
    repeats = 3 if calls > 1 else 2

    def trial(splits, config):
        t = time_calls(ctx, [case.call(i, splits, config) for i in range(calls)], repeats, warmup=1)
        return t.median, splits, config

    best = min(trial(s, configs[0]) for s in candidates)
    for config in configs[1:]:
        best = min(best, trial(best[1], config))
    return best


def measure_decode(ctx, log):
    kernels.check_all(DEVICE, log)
    table = ctx.table(
        "attention_decode.csv",
        ["heads", "kv_heads", "batch", "context", "spread", "time_us", "best_us", "kv_bytes", "gbps", "splits", "block",
         "warps", "stages"], [
            "our split-KV, GQA-packed Triton flash-decoding kernel (NOT FlashAttention-3 or FlashInfer), bf16, "
            "head_dim 128, cache in 16-token blocks in random order; the time includes the combine kernel",
            "spread: sequence lengths run evenly over context * (1 -+ spread); 0: all equal",
            "splits and block/warps/stages: the fastest of those tried for the point",
            "L2 cold: the calls of one replay read different cache blocks, in all at least 200 MB",
            f"median and best of {ctx.repeats} graph replays; kv_bytes: keys and values read once; gbps: "
            "kv_bytes/time_us"])
    sms = torch.cuda.get_device_properties(0).multi_processor_count
    pool = ctx.pool(8 if ctx.quick else 60)
    half = pool.numel() // 2
    scratch = kernels.DecodeScratch(SCRATCH_ITEMS, DEVICE)
    points = [(b, c, 0.0) for b in BATCHES for c in CONTEXTS] + [(b, c, 0.9) for b, c in RAGGED]
    if ctx.quick:
        points = [(1, 131072, 0.0), (16, 2048, 0.0), (64, 2048, 0.0), (64, 2048, 0.9)]
        compare_layouts(ctx, log, pool, scratch)
    for heads, kv_heads in HEADS:
        for batch, context, spread in points:
            row = kv_heads * HEAD_DIM
            tokens = batch * context
            if tokens * (1 + spread) * row > half:
                log(f"decode {heads}/{kv_heads} batch {batch} context {context}: does not fit")
                continue
            ctx.clock.check()
            kv_bytes = 4 * tokens * row
            calls = calls_per_graph(8 + kv_bytes / 2.6e6, kv_bytes, most=32)
            copies = max(1, min(calls, int(half // (1.01 * tokens * (1 + spread) * row))))
            case = DecodeCase(pool[:half], pool[half:], heads, kv_heads, batch, context, copies, scratch, spread)
            candidates = split_candidates(batch * kv_heads, context, sms)
            _, splits, config = tune_decode(ctx, case, calls, candidates,
                                            kernels.CONFIGS[:2] if kv_bytes > 5e9 else kernels.CONFIGS)
            t = time_calls(ctx, [case.call(i, splits, config) for i in range(calls)])
            table.add(heads=heads, kv_heads=kv_heads, batch=batch, context=context, spread=spread, time_us=t.median,
                      best_us=t.best, kv_bytes=kv_bytes, gbps=1e-3 * kv_bytes / t.median, splits=splits,
                      block=config[0], warps=config[1], stages=config[2])
            if ctx.quick or (batch, context) in ((1, 8192), (16, 8192), (64, 8192)):
                log(f"decode {heads}/{kv_heads} batch {batch} context {context} spread {spread}: {t.median:.1f} us "
                    f"{1e-3 * kv_bytes / t.median:.0f} GB/s splits {splits} {config} of {candidates}")


def compare_layouts(ctx, log, pool, scratch):
    """Paged against contiguous cache and all kernel shapes at two points; printed only."""
    half = pool.numel() // 2
    for heads, kv_heads, batch, context, splits in ((32, 8, 64, 2048, 1), (32, 8, 1, 131072, 48), (8, 1, 64, 8192, 8)):
        case = DecodeCase(pool[:half], pool[half:], heads, kv_heads, batch, context, 1, scratch)
        kv_bytes = 4 * batch * context * kv_heads * HEAD_DIM
        for paged in (True, False):
            rates = []
            for config in kernels.CONFIGS:
                t = time_calls(ctx, [case.call(0, splits, config, paged)] * 4, 5)
                rates.append(f"{config}: {1e-3 * kv_bytes / t.median:.0f}")
            log(f"layout {heads}/{kv_heads} b{batch} c{context} s{splits} paged={paged} GB/s " + ", ".join(rates))


# Prefill: queries [1, heads, q, d]; keys and values [1, kv_heads, prefix + q, d], views of token-major rows.
def flash_prefill(q, k, v):
    """FlashAttention-2 of torch: one launch, causal aligned to the last key."""
    return torch.ops.aten._scaled_dot_product_flash_attention(q, k, v, 0.0, True, False)[0]


def cudnn_part(q, k, v, causal):
    out = torch.ops.aten._scaled_dot_product_cudnn_attention(q, k, v, None, True, 0.0, causal, False)
    return out[0], out[1]


def cudnn_prefill(q, k, v, splits, merged):
    """cuDNN aligns its causal mask to the first key, so a cached prefix is a launch of its own, joined afterwards. Nor
    does it split keys over SMs: here the prefix is cut into `splits` ranges that form a batch, over copied queries."""
    prefix = k.shape[2] - q.shape[2]
    if prefix == 0:
        return cudnn_part(q, k, v, True)[0]
    old_q = q
    if splits > 1:
        old_q = q.transpose(1, 2).expand(splits, -1, -1, -1).contiguous().transpose(1, 2)
    old_k, old_v = (t[0, :, :prefix].unflatten(1, (splits, -1)).transpose(0, 1) for t in (k, v))
    old, old_lse = cudnn_part(old_q, old_k, old_v, False)
    new, new_lse = cudnn_part(q, k[:, :, prefix:], v[:, :, prefix:], True)
    kernels.merge_attention(old, old_lse, new, new_lse, merged)
    return merged.permute(1, 0, 2)[None]


def prefix_splits(heads, q_len, prefix, sms):
    """Splits worth trying; none where the chunk alone fills the GPU."""
    programs = heads * math.ceil(q_len / 128)
    return [1] + [s for s in (2, 4, 8, 16) if programs * s <= 6 * sms and prefix // s >= 1024]


def random_chunk(q_len, heads):
    return torch.randn(1, q_len, heads, HEAD_DIM, dtype=DTYPE, device=DEVICE).transpose(1, 2)


def check_prefill(log):
    """Which of the ways run and are right here: (name, with a prefix) to usable."""
    usable = {}
    for prefix in (0, 384):
        q = random_chunk(256, 32)
        k, v = random_chunk(256 + prefix, 8), random_chunk(256 + prefix, 8)
        merged = torch.empty(256, 32, HEAD_DIM, dtype=DTYPE, device=DEVICE)
        reference = kernels.reference_attention(q[0], k[0], v[0], True)
        ways = {"flash2": lambda: flash_prefill(q, k, v), "cudnn": lambda: cudnn_prefill(q, k, v, 1, merged),
                "cudnn_split": lambda: cudnn_prefill(q, k, v, 4, merged)}
        for name, run in ways.items():
            try:
                error = relative_error(run()[0], reference)
            except RuntimeError as e:
                error = math.inf
                log(f"prefill {name}: {str(e).splitlines()[0]}")
            log(f"check prefill {name} prefix {prefix}: relative error {error:.2e}")
            usable[name, prefix > 0] = error < 1e-2
    return usable


def measure_prefill(ctx, log):
    usable = check_prefill(log)
    table = ctx.table(
        "attention_prefill.csv",
        ["heads", "kv_heads", "q", "prefix", "time_us", "backend", "tflops", "cudnn_us", "cudnn_splits", "flash2_us"], [
            "one prompt chunk of q tokens on a cached prefix, causal, bf16, head_dim 128, keys and values contiguous",
            "flash2: torch's built-in FlashAttention-2, one launch, keys not split. cudnn: torch's cuDNN attention; "
            "with a prefix one launch over the prefix (unmasked, cut into cudnn_splits ranges, the fastest of those "
            "tried), one over the chunk (causal) and a Triton kernel that joins them, all counted. time_us: the faster "
            "of the two, named in backend. FlashAttention-3 was not available",
            "keys and values L2 cold (rotated); tflops counts 4 heads head_dim (q prefix + q (q+1)/2)",
            f"median of {ctx.repeats} graph replays (12 where a replay takes over 20 ms), in bursts with rest between "
            "them; flash2 with q >= 2048: 5 replays, no rest"])
    pool = ctx.pool(8)
    chunks, prefixes = (CHUNKS, PREFIXES) if not ctx.quick else ([128, 2048], [0, 8192])
    for heads, kv_heads in HEADS:
        for prefix in prefixes:
            for q_len in chunks:
                ctx.clock.check()
                case = PrefillCase(ctx, pool, heads, kv_heads, q_len, prefix)
                flash_us = cudnn_us = math.nan
                splits = ""
                if usable["cudnn", prefix > 0]:
                    cudnn_us, splits = case.best_cudnn(usable["cudnn_split", True])
                if usable["flash2", prefix > 0]:
                    flash_us = case.time(flash_prefill, None if q_len < 2048 else 5)
                backend, us = ("flash2", flash_us) if not cudnn_us < flash_us else ("cudnn", cudnn_us)
                table.add(heads=heads, kv_heads=kv_heads, q=q_len, prefix=prefix, time_us=us, backend=backend,
                          tflops=1e-6 * case.flop / us, cudnn_us=cudnn_us, cudnn_splits=splits, flash2_us=flash_us)
                if prefix in (0, 32768) or ctx.quick:
                    log(f"prefill {heads}/{kv_heads} q {q_len} prefix {prefix}: cudnn {cudnn_us:.1f} us in {splits}, "
                        f"flash2 {flash_us:.1f} us, {1e-6 * case.flop / us:.0f} TFLOP/s")


class PrefillCase:
    """One chunk on prefixes that differ from call to call."""

    def __init__(self, ctx, pool, heads, kv_heads, q_len, prefix):
        self.ctx, self.heads, self.q_len, self.prefix = ctx, heads, q_len, prefix
        self.flop = 4.0 * heads * HEAD_DIM * (q_len * prefix + q_len * (q_len + 1) / 2)
        size = (prefix + q_len) * kv_heads * HEAD_DIM
        half = pool.numel() // 2
        estimate = 10 + self.flop / 4e8
        self.calls = max(1, min(calls_per_graph(estimate, 4 * size, most=16), 16, half // size, int(4e4 / estimate)))
        self.repeats = ctx.repeats if estimate * self.calls < 2e4 else min(ctx.repeats, 12)
        self.q = random_chunk(q_len, heads)
        self.merged = torch.empty(q_len, heads, HEAD_DIM, dtype=DTYPE, device=DEVICE)
        self.kv = [[side[i * size: (i + 1) * size].view(1, prefix + q_len, kv_heads, HEAD_DIM).transpose(1, 2)
                    for side in (pool[:half], pool[half:])] for i in range(self.calls)]

    def time(self, attend, repeats=None):
        work = [(lambda k=k, v=v: attend(self.q, k, v)) for k, v in self.kv]
        return time_calls(self.ctx, work, repeats or self.repeats, rested=repeats is None).median

    def best_cudnn(self, may_split):
        def attend(splits):
            return lambda q, k, v: cudnn_prefill(q, k, v, splits, self.merged)

        choices = [1]
        if self.prefix and may_split:
            sms = torch.cuda.get_device_properties(0).multi_processor_count
            choices = prefix_splits(self.heads, self.q_len, self.prefix, sms)
        if len(choices) > 1:
            choices = [min(choices, key=lambda s: self.time(attend(s), repeats=3))]
        return self.time(attend(choices[0])), choices[0]
