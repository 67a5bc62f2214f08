#!/usr/bin/env python3
"""Measures on a real NVIDIA GPU what the hardware models need; see README.md beside this file.

    python3 gpu_kernels.py --out DIR [--only gemm,decode] [--budget SECONDS] [--quick]
"""
import argparse
import gc
import importlib
import os
import sys
import time
import traceback

SECTIONS = {  # name: (module, function), in the order they run
    "copies": ("transfers", "measure"),
    "elementwise": ("elementwise", "measure"),
    "gemm": ("gemm", "measure"),
    "decode": ("attention", "measure_decode"),
    "prefill": ("attention", "measure_prefill"),
    "step": ("step", "measure"),
    "sustained": ("step", "measure_sustained"),
}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, help="folder for the CSV files and log.txt")
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, comma-separated: " + ", ".join(SECTIONS))
    parser.add_argument("--budget", type=float, default=540, help="seconds after which no new point is begun")
    parser.add_argument("--quick", action="store_true", help="few points and repeats, to see that everything runs")
    args = parser.parse_args()
    args.only = args.only.split(",")
    unknown = [s for s in args.only if s not in SECTIONS]
    if unknown:
        parser.error(f"--only {','.join(unknown)}: allowed are {', '.join(SECTIONS)}")
    return args


def main():
    args = parse_arguments()
    import torch

    from common import Clock, Context, OutOfTime

    os.makedirs(args.out, exist_ok=True)
    start = time.monotonic()
    log_file = open(os.path.join(args.out, "log.txt"), "a")

    def log(text):
        line = f"[{time.monotonic() - start:6.1f}] {text}"
        print(line, flush=True)
        log_file.write(line + "\n")
        log_file.flush()

    gc.disable()  # a collection would fall into timed host code
    ctx = Context(args.out, Clock(args.budget), args.quick)
    log(" | ".join(ctx.machine))
    failed = []
    for name, (module, function) in SECTIONS.items():
        if name not in args.only:
            continue
        log(f"section {name}")
        try:
            getattr(importlib.import_module(module), function)(ctx, log)
            log(f"section {name}: whole")
        except OutOfTime:
            failed.append(name)
            log(f"section {name}: out of time, cut short")
        except Exception:  # one section's failure must not cost the others
            failed.append(name)
            log(traceback.format_exc())
        gc.collect()
        try:
            torch.cuda.empty_cache()
        except RuntimeError as e:  # a capture that failed half-way leaves the device unusable for the rest
            log(f"cannot go on after section {name}: {e}")
            break
    log("incomplete: " + ", ".join(failed) if failed else "all sections whole")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
