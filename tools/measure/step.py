"""Sections step and sustained: whole steps of a Llama-3.1-8B-shaped stack, and what long load does to the clock."""
import ctypes
import functools
import math
import statistics
import threading
import time

import torch

import attention
import kernels
from common import DEVICE, DTYPE, HEAD_DIM, MODELS, Timing, capture, fill_random, replay, replay_rested

LAYERS = 32
MODEL = MODELS[0]
DECODE_POINTS = [(b, c) for c in (1024, 8192, 32768) for b in (1, 8, 32, 64, 128, 256)]
PREFILL_TOKENS = [256, 1024, 4096, 8192]
LATER_CHUNKS = [(512, 32768), (2048, 32768)]  # chunk, cached prefix
MIXED_POINTS = [(256, 0, 32, 4096), (1024, 0, 32, 4096), (2048, 0, 32, 4096), (512, 16384, 32, 4096),
                (2048, 16384, 32, 4096), (1984, 0, 64, 2048)]  # chunk, cached prefix, decoding sequences, their context


def weight(*shape):
    w = torch.empty(*shape, dtype=DTYPE, device=DEVICE)
    fill_random(w, 0.02)
    return w


class Stack:
    """Random weights of real size, a paged KV cache in what memory is left, and the calls of one step."""

    def __init__(self, cache_gib):
        m = MODEL
        self.embed = weight(m.vocab, m.hidden)
        self.layers = [{name: weight(n, k).t() for name, n, k in m.layers()[:4]} for _ in range(LAYERS)]
        self.head = weight(m.vocab, m.hidden).t()
        self.norm = torch.ones(m.hidden, dtype=DTYPE, device=DEVICE)
        row = m.kv_heads * HEAD_DIM
        self.slots = int(cache_gib * 2**30) // (4 * row * LAYERS) // kernels.PAGE * kernels.PAGE
        self.cache = torch.empty(2, LAYERS, self.slots * row, dtype=DTYPE, device=DEVICE)
        fill_random(self.cache)
        self.rope = kernels.rope_table(131072, DEVICE)
        self.scratch = kernels.DecodeScratch(attention.SCRATCH_ITEMS, DEVICE)

    def run(self, ids, positions, slots, attend, sampled):
        """One step over len(ids) tokens; attend(layer, qkv) -> [tokens, heads * d]; `sampled` rows get a next token."""
        m, tokens = MODEL, len(ids)
        residual = torch.empty(tokens, m.hidden, dtype=DTYPE, device=DEVICE)
        kernels.embedding(ids, self.embed, residual)
        x = torch.zeros_like(residual)
        act = torch.empty(tokens, m.intermediate, dtype=DTYPE, device=DEVICE)
        for i, w in enumerate(self.layers):
            kernels.add_rms_norm(x, residual, self.norm)
            qkv = torch.mm(x, w["qkv"])
            kernels.rope(qkv, positions, self.rope, m.heads + m.kv_heads)
            kernels.kv_write(qkv, slots, self.cache[0, i], self.cache[1, i], m.heads, m.kv_heads)
            x = torch.mm(attend(i, qkv), w["o"])
            kernels.add_rms_norm(x, residual, self.norm)
            kernels.silu_mul(torch.mm(x, w["gate_up"]), act)
            x = torch.mm(act, w["down"])
        kernels.add_rms_norm(x, residual, self.norm)
        return torch.mm(x[-sampled:], self.head).argmax(-1)

    def call(self, chunk=0, prefix=0, batch=0, context=0, launch=None):
        """A step of one prompt chunk on a cached prefix, then `batch` decoding sequences of `context` tokens (the new
        one included); either part may be absent. launch: splits and configuration of the decode attention. The chunk's
        sequence lies contiguously at the start of the cache, the others in random blocks behind it."""
        m, page = MODEL, kernels.PAGE
        first = -(-(prefix + chunk) // page)
        blocks = context // page
        tables = (first + torch.randperm(self.slots // page - first, device=DEVICE)[: batch * blocks]).int()
        tables = tables.view(batch, blocks)
        lengths = torch.full((batch,), context, dtype=torch.int32, device=DEVICE)
        ids = torch.randint(0, m.vocab, (chunk + batch,), device=DEVICE)
        in_chunk = torch.arange(prefix, prefix + chunk, device=DEVICE)
        positions = torch.cat([in_chunk, torch.full((batch,), context - 1, device=DEVICE)])
        slots = torch.cat([in_chunk, tables[:, -1].long() * page + page - 1]) if batch else in_chunk
        splits = 2 ** int(math.log2(max(1, 132 // (m.heads * -(-chunk // 128))))) if chunk else 1

        def attend_chunk(layer, qkv):
            q = qkv[:chunk, : m.heads * HEAD_DIM].view(1, chunk, m.heads, HEAD_DIM).transpose(1, 2)
            k, v = (side[layer].view(1, self.slots, m.kv_heads, HEAD_DIM)[:, : prefix + chunk].transpose(1, 2)
                    for side in self.cache)
            merged = torch.empty(chunk, m.heads, HEAD_DIM, dtype=DTYPE, device=DEVICE) if prefix else None
            return attention.cudnn_prefill(q, k, v, splits, merged).transpose(1, 2).reshape(chunk, -1)

        def attend(layer, qkv):
            if not batch:
                return attend_chunk(layer, qkv)
            out = torch.empty(chunk + batch, m.heads * HEAD_DIM, dtype=DTYPE, device=DEVICE)
            if chunk:
                out[:chunk] = attend_chunk(layer, qkv)
            q = qkv[chunk:, : m.heads * HEAD_DIM].view(batch, m.heads, HEAD_DIM)
            kernels.decode_attention(q, self.cache[0, layer], self.cache[1, layer], tables, lengths,
                                     out[chunk:].view(batch, m.heads, HEAD_DIM), self.scratch, m.kv_heads, *launch)
            return out

        return lambda: self.run(ids, positions, slots, attend, batch + (chunk > 0))


def count_kernels(ctx, call):
    """Nodes of the captured call, or nothing where this version of torch does not show its graph."""
    graph = torch.cuda.CUDAGraph(keep_graph=True)
    torch.cuda.synchronize()
    with torch.cuda.stream(ctx.stream):
        graph.capture_begin(capture_error_mode="thread_local")
        try:
            call()
        finally:
            graph.capture_end()
    nodes = ctypes.c_size_t(0)
    try:
        driver = ctypes.CDLL("libcuda.so.1")
        failed = driver.cuGraphGetNodes(ctypes.c_void_p(graph.raw_cuda_graph()), None, ctypes.byref(nodes))
    except (AttributeError, OSError):
        return ""
    graph.reset()
    return "" if failed else nodes.value


def eager_times(ctx, call, repeats):
    """(wall us from the first launch to completion, host us until the last launch returned), medians."""
    wall, host = [], []
    with torch.cuda.stream(ctx.stream):
        for _ in range(repeats + 1):
            torch.cuda.synchronize()
            t0 = time.perf_counter()
            call()
            t1 = time.perf_counter()
            torch.cuda.synchronize()
            wall.append((time.perf_counter() - t0) * 1e6)
            host.append((t1 - t0) * 1e6)
    return statistics.median(wall[1:]), statistics.median(host[1:])


def layer_attention_us(ctx, stack, batch, context):
    """Time of one layer's decode attention and the launch that is fastest, over the layers' own caches."""
    case = attention.DecodeCase(stack.cache[0], stack.cache[1], MODEL.heads, MODEL.kv_heads, batch, context, 1,
                                stack.scratch)
    sms = torch.cuda.get_device_properties(0).multi_processor_count

    def time_launch(splits, config):
        q, out, table, lengths = case.q, case.out, case.tables[0], case.lengths
        calls = [(lambda i=i: kernels.decode_attention(q, stack.cache[0, i], stack.cache[1, i], table, lengths, out,
                                                       stack.scratch, MODEL.kv_heads, splits, config))
                 for i in range(LAYERS)]
        graph = capture(ctx, calls)
        t = Timing(replay(ctx, graph, 3, 1), LAYERS)
        graph.reset()
        return t.median, splits, config

    best = min(time_launch(s, kernels.CONFIGS[0])
               for s in attention.split_candidates(batch * MODEL.kv_heads, context, sms))
    for config in kernels.CONFIGS[1:3]:
        best = min(best, time_launch(best[1], config))
    return best[0], best[1:]


def measure(ctx, log):
    ctx.free_pool()
    table = ctx.table(
        "step.csv",
        ["kind", "chunk", "prefix", "batch", "context", "tokens", "graph_us", "loaded_us", "eager_wall_us",
         "eager_host_us", "kernels", "attention_layer_us", "attention"], [
            "whole step of a Llama-3.1-8B-shaped stack, random bf16 weights, 32 layers, lm_head on the sampled rows "
            "and argmax included; no sampler, no scheduler; L2 as it comes (16 GB of weights are streamed per step)",
            "decode: batch sequences of context tokens, our Triton attention; prefill: one chunk of a prompt on a "
            "cached prefix, cuDNN attention; mixed: both in one step, as separate attention launches",
            "graph_us: median replay of the captured step between events, in bursts of four with rest between them; "
            "loaded_us: median of replays back to back; eager_wall_us: the same launched one by one from Python (torch "
            "and Triton launches, not an engine's) until complete; eager_host_us: until the last launch returned; "
            "kernels: nodes of the captured graph",
            "attention_layer_us: decode attention of one layer measured alone in the same cache; attention: its splits "
            "and tokens per block"])
    stack = Stack(8 if ctx.quick else torch.cuda.mem_get_info()[0] / 2**30 - 28)
    log(f"step: {stack.slots} cache slots")
    points = [("decode", 0, 0, b, c) for b, c in DECODE_POINTS]
    points += [("prefill", m, 0, 0, 0) for m in PREFILL_TOKENS] + [("prefill", q, p, 0, 0) for q, p in LATER_CHUNKS]
    points += [("mixed", *p) for p in MIXED_POINTS]
    for kind, chunk, prefix, batch, context in points if not ctx.quick else points[1:2] + points[-1:]:
        if chunk + prefix + batch * context + kernels.PAGE > stack.slots:
            log(f"{kind} step batch {batch} context {context}: does not fit")
            continue
        ctx.clock.check()
        layer_us, launch = layer_attention_us(ctx, stack, batch, context) if batch else (math.nan, None)
        row = time_step(ctx, stack.call(chunk, prefix, batch, context, launch), 7)
        table.add(kind=kind, chunk=chunk, prefix=prefix, batch=batch, context=context, tokens=chunk + batch,
                  attention_layer_us=layer_us, attention=f"{launch[0]}x{launch[1][0]}" if launch else "", **row)
        log(f"{kind} step chunk {chunk} on {prefix}, batch {batch} x {context}: graph {row['graph_us']:.0f}, loaded "
            f"{row['loaded_us']:.0f}, eager {row['eager_wall_us']:.0f} us, decode attention {LAYERS * layer_us:.0f} "
            f"us, {row['kernels']} kernels")


def time_step(ctx, call, eager_repeats):
    wall, host = eager_times(ctx, call, eager_repeats)
    graph = capture(ctx, [call])
    repeats = ctx.repeats if wall < 5e4 else min(ctx.repeats, 9)
    rested = Timing(replay_rested(ctx, graph, repeats), 1)
    loaded = Timing(replay(ctx, graph, repeats), 1)
    graph.reset()
    row = dict(graph_us=rested.median, loaded_us=loaded.median, eager_wall_us=wall, eager_host_us=host,
               kernels=count_kernels(ctx, call))
    torch.cuda.empty_cache()  # each captured step has held its own activations
    return row


class ClockSampler(threading.Thread):
    """Reads (never sets) clock, power and temperature every 20 ms."""

    def __init__(self):
        super().__init__(daemon=True)
        import pynvml

        pynvml.nvmlInit()
        self.nvml, self.handle = pynvml, pynvml.nvmlDeviceGetHandleByIndex(0)
        self.samples, self.running = [], True

    def run(self):
        n, h = self.nvml, self.handle
        while self.running:
            self.samples.append((time.perf_counter(), n.nvmlDeviceGetClockInfo(h, n.NVML_CLOCK_SM),
                                 n.nvmlDeviceGetPowerUsage(h) / 1000, n.nvmlDeviceGetTemperature(h, 0)))
            time.sleep(0.02)

    def at(self, when):
        return min(self.samples, key=lambda s: abs(s[0] - when)) if self.samples else (0, "", "", "")


def measure_sustained(ctx, log):
    """Seconds of one load after an idle pause: how far the clock falls when the power limit is reached."""
    ctx.free_pool()
    columns = ["load", "at_s", "iteration", "time_us", "rate", "unit", "sm_mhz", "power_w", "temp_c"]
    table = ctx.table("sustained.csv", columns, [
        "each load over and over for some seconds after 2 s of idling. gemm: qkv, o, gate_up, down of Llama-3.1-8B on "
        "8192 tokens; gemv: the same products of four layers on one token (memory-bound); prefill_N: whole step of "
        "step.csv with a fresh prompt of N tokens; decode_B_C: whole decode step of B sequences of C tokens",
        "rate: TFLOP/s and GB/s of the products, steps/s; the first 20 iterations and some 100 evenly spaced ones",
        "time_us: one iteration between events; sm_mhz, power_w, temp_c: NVML's reading nearest to the iteration; the "
        "driver averages power over some 100 ms"])
    m = MODEL
    stack = Stack(20)
    inputs = {k: weight(8192, k) for k in (m.hidden, m.intermediate)}
    outputs = {n: weight(8192, n) for n in {n for _, n, _ in m.layers()[:4]}}

    def products(layer, tokens):
        for w in stack.layers[layer].values():
            torch.mm(inputs[w.shape[0]][:tokens], w, out=outputs[w.shape[1]][:tokens])

    size = sum(n * k for _, n, k in m.layers()[:4])
    long, short = (0.5, 0.5) if ctx.quick else (5, 2.5)
    run = functools.partial(sustain, ctx, log, table)
    run("gemm", lambda: products(0, 8192), 2e-6 * 8192 * size, "TFLOP/s", long)
    run("gemv", lambda: [products(j, 1) for j in range(4)], 4 * 2e-3 * size, "GB/s", short)
    run("prefill_8192", stack.call(8192), 1e6, "1/s", long)
    run("prefill_1024", stack.call(1024), 1e6, "1/s", short)
    for batch, context in ((64, 2048), (128, 1024)):
        _, launch = layer_attention_us(ctx, stack, batch, context)
        run(f"decode_{batch}_{context}", stack.call(0, 0, batch, context, launch), 1e6, "1/s", short)


def sustain(ctx, log, table, name, iteration, work, unit, seconds):
    with torch.cuda.stream(ctx.stream):
        graph = capture(ctx, [iteration])
        time.sleep(2)
        sampler = ClockSampler()
        sampler.start()
        time.sleep(0.1)
        marks, begin, done = [], time.perf_counter(), 0
        while time.perf_counter() - begin < seconds:
            pair = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            pair[0].record()
            graph.replay()
            pair[1].record()
            marks.append(pair)
            if len(marks) > 8:
                marks[len(marks) - 8][0].synchronize()  # stay a few iterations ahead of the device, not thousands
        torch.cuda.synchronize()
        sampler.running = False
        sampler.join()
    graph.reset()
    times = [(marks[0][0].elapsed_time(a) * 1e-3, a.elapsed_time(b) * 1e3) for a, b in marks]
    keep, step = set(range(min(20, len(times)))), max(1, len(times) // 100)
    keep.update(range(0, len(times), step))
    for i in sorted(keep):
        at, us = times[i]
        _, mhz, watts, temp = sampler.at(begin + at)
        table.add(load=name, at_s=at, iteration=i, time_us=us, rate=work / us, unit=unit, sm_mhz=mhz, power_w=watts,
                  temp_c=temp)
    tail = statistics.median(t for _, t in times[-max(1, len(times) // 5):])
    log(f"sustained {name}: {len(times)} iterations; first {times[0][1]:.0f}, 2nd-10th "
        f"{statistics.median(t for _, t in times[1:10]):.0f}, last fifth {tail:.0f} us ({work / tail:.0f} {unit}); SM "
        f"MHz {sampler.at(begin + times[min(9, len(times) - 1)][0])[1]} -> {sampler.at(begin + times[-1][0])[1]}, "
        f"{sampler.at(begin + times[-1][0])[2]} W")
