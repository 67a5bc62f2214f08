"""Timing, output and shapes shared by the measuring sections.

How a kernel is timed: its calls are captured into one CUDA graph (so that no host launch gap is in the figure), the
graph is replayed back to back, each replay lies between two device events, and the reported time is the median over
the replays divided by the calls in the graph. A call's time thus contains the gap to the next kernel of the same
stream (about 1 us), as it would in a captured model step.
"""
import csv
import datetime
import math
import os
import statistics
import subprocess
import time

import torch

DEVICE = "cuda"
DTYPE = torch.bfloat16
HEAD_DIM = 128
L2_FLUSH_BYTES = 200 * 2**20  # calls in flight walk through at least this much: 4 x the 50 MB L2 of an H100
REPEATS = 21
TOKENS = [1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192]


class Model:
    """One tensor-parallel shard of a dense model; widths are those of the shard."""

    def __init__(self, name, tp, hidden, heads, kv_heads, intermediate, vocab, qk_norm=False):
        self.name, self.tp, self.hidden, self.qk_norm = name, tp, hidden, qk_norm
        self.heads, self.kv_heads = heads // tp, kv_heads // tp
        self.intermediate, self.vocab = intermediate // tp, vocab // tp

    @property
    def qkv_width(self):
        return (self.heads + 2 * self.kv_heads) * HEAD_DIM

    def layers(self):
        """(layer, n, k) of every matrix product y[m, n] = x[m, k] w[n, k]^T."""
        return [
            ("qkv", self.qkv_width, self.hidden),
            ("o", self.hidden, self.heads * HEAD_DIM),
            ("gate_up", 2 * self.intermediate, self.hidden),
            ("down", self.hidden, self.intermediate),
            ("lm_head", self.vocab, self.hidden),
        ]


MODELS = [
    Model("llama-3.1-8b", 1, 4096, 32, 8, 14336, 128256),
    Model("llama-3.1-70b", 4, 8192, 64, 8, 28672, 128256),
    Model("llama-3.1-70b", 8, 8192, 64, 8, 28672, 128256),
    Model("qwen3-32b", 2, 5120, 64, 8, 25600, 151936, qk_norm=True),
]


class OutOfTime(Exception):
    """The run's time budget is spent; a section ends with the rows it has."""


class Clock:
    def __init__(self, budget_s):
        self.start, self.budget_s = time.monotonic(), budget_s

    def left(self):
        return self.budget_s - (time.monotonic() - self.start)

    def check(self, reserve_s=0.0):
        if self.left() < reserve_s:
            raise OutOfTime


class Context:
    """What every section gets: where to write, how much time is left, how thorough to be."""

    def __init__(self, out, clock, quick):
        self.out, self.clock, self.quick = out, clock, quick
        self.repeats = 5 if quick else REPEATS
        self.stream = torch.cuda.Stream()
        self.machine = machine_lines()
        self._pool = None

    def table(self, name, columns, notes):
        return Table(os.path.join(self.out, name), columns, self.machine + notes)

    def pool(self, gib):
        """Random bf16 values, flat; the sections cut weights and KV caches from it."""
        need = int(gib * 2**30) // 2
        if self._pool is None or self._pool.numel() < need:
            self._pool = None
            torch.cuda.empty_cache()
            self._pool = torch.empty(need, dtype=DTYPE, device=DEVICE)
            fill_random(self._pool)
        return self._pool[:need]

    def free_pool(self):
        self._pool = None
        torch.cuda.empty_cache()


def fill_random(flat, std=1.0):
    for part in flat.view(-1).split(2**28):
        part.normal_(0.0, std)


class Table:
    """A CSV file that is complete after every row, so that a killed run keeps what it measured."""

    def __init__(self, path, columns, notes):
        self.file = open(path, "w", newline="")
        for line in notes:
            self.file.write("# " + line + "\n")
        self.writer = csv.writer(self.file, lineterminator="\n")
        self.columns = columns
        self.writer.writerow(columns)
        self.file.flush()
        self.rows = 0

    def add(self, **values):
        assert set(values) == set(self.columns), (sorted(values), self.columns)
        self.writer.writerow([render(values[c]) for c in self.columns])
        self.file.flush()
        self.rows += 1


def render(value):
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.5g}" if abs(value) < 1e4 else f"{value:.0f}"
    return value


def smi(fields):
    try:
        text = subprocess.run(
            ["nvidia-smi", "--query-gpu=" + ",".join(fields), "--format=csv,noheader"],
            capture_output=True, text=True, timeout=20, check=True).stdout.strip().splitlines()[0]
        return dict(zip(fields, [v.strip() for v in text.split(",")]))
    except (OSError, subprocess.SubprocessError, IndexError):
        return {}


def machine_lines():
    """Header comments that say on what and with what a table was taken."""
    import triton

    prop = torch.cuda.get_device_properties(0)
    fields = ["driver_version", "clocks.max.sm", "clocks.max.mem", "power.limit", "pcie.link.gen.max",
              "pcie.link.width.max"]
    info = smi(fields)
    return [
        f"GPU {prop.name}, {prop.multi_processor_count} SMs, {prop.total_memory / 2**30:.1f} GiB, "
        f"L2 {getattr(prop, 'L2_cache_size', 0) / 2**20:.0f} MiB",
        "driver {}; maximum clocks SM {}, memory {}; power limit {}; PCIe gen {} x{}; clocks as found".format(
            *(info.get(f, "?") for f in fields)),
        f"PyTorch {torch.__version__}, CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}, "
        f"Triton {triton.__version__}; taken {datetime.date.today().isoformat()}",
    ]


class Timing:
    def __init__(self, samples_us, calls):
        per_call = sorted(s / calls for s in samples_us)
        self.calls, self.repeats = calls, len(per_call)
        self.median = statistics.median(per_call)
        self.best = per_call[0]
        self.p90 = per_call[min(len(per_call) - 1, int(0.9 * len(per_call)))]


def capture(ctx, calls):
    """A CUDA graph of the given calls, in order. Their first run (compilation, handle creation) is outside it."""
    stream = ctx.stream
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        calls[0]()
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        graph.capture_begin(capture_error_mode="thread_local")
        try:
            for call in calls:
                call()
        finally:
            graph.capture_end()
    return graph


def replay(ctx, graph, repeats, warmup=2):
    """Device time of each replay in us, replays back to back."""
    events = [(torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)) for _ in range(repeats)]
    with torch.cuda.stream(ctx.stream):
        for _ in range(warmup):
            graph.replay()
        for first, last in events:
            first.record()
            graph.replay()
            last.record()
    ctx.stream.synchronize()
    return [first.elapsed_time(last) * 1e3 for first, last in events]


def replay_rested(ctx, graph, repeats):
    """The same in bursts of four (the first not counted), each followed by three times its length of rest: under
    compute-bound kernels the power limit otherwise lowers the clock, and the figure depends on what ran before (see
    sustained.csv)."""
    samples = []
    while len(samples) < repeats:
        begin = time.perf_counter()
        samples += replay(ctx, graph, 3, warmup=1)
        time.sleep(3 * (time.perf_counter() - begin))
    return samples


def time_calls(ctx, calls, repeats=None, warmup=2, rested=False):
    graph = capture(ctx, calls)
    if rested:
        samples = replay_rested(ctx, graph, repeats or ctx.repeats)
    else:
        samples = replay(ctx, graph, repeats or ctx.repeats, warmup)
    graph.reset()
    return Timing(samples, len(calls))


def calls_per_graph(estimate_us, bytes_per_call, at_least_us=300.0, most=64):
    """Calls in one graph: enough to dwarf the graph's own launch and to walk out of the L2."""
    by_time = min(most, math.ceil(at_least_us / max(estimate_us, 1.0)))
    by_cache = math.ceil(L2_FLUSH_BYTES / max(bytes_per_call, 1))
    return max(1, by_time, min(by_cache, 4 * most))


def relative_error(out, ref):
    out, ref = out.float(), ref.float()
    return ((out - ref).norm() / ref.norm()).item()
