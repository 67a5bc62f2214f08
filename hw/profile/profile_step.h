/* The time of a step from measured kernel tables (a profile folder, see below).
 *
 * Files read from profile_dir/tp<N>: dense.csv (layer, tokens, time_us), per_sequence.csv (layer, sequences, time_us)
 * and attention.csv (prefill_chunk, kv_prefill, n_decode, kv_decode, time_us): microseconds of one layer on one of N
 * GPUs. skew_fit.csv is not read: sequences enter by their mean context.
 *
 * The kernels, how often they run and their padded rows m are those of hw/model/kernels.h. With L layers, S sequences
 * that sample a token, h the hidden size and N GPUs:
 *
 *     T = L (2 layernorm(m) + qkv_proj(m) + [qk_norm(m)] + rotary_emb(m) + A + o_proj(m) + gate_up_proj(m) + act_fn(m)
 *            + down_proj(m))
 *         + embedding(m) + final_layernorm(m) + lm_head(S) + sampler(S)                      (the last two when S > 0)
 *         + [N > 1] (2 L + 1) all_reduce(2 h m bytes)
 *
 * A is the attention time of a layer. A chunk of one token runs as a decode. With n decodes at mean context kv and
 * chunks (c1, h1), (c2, h2).. of c new tokens on h cached ones, in the order they were scheduled:
 *
 *     no chunk:  A = decode(n, kv)
 *     else:      A = mixed(c1, h1, n, kv) + sum over i >= 2 of max(0, mixed(ci, hi, 0, 0) - launch)
 *
 * The first chunk carries the interaction with the decodes; the others add their own work. launch is the shortest
 * measured chunk alone: all run in one launch. Adding up decode(n, kv) and lone chunks instead is 6 % low over whole
 * runs (varlen attention runs decodes as prefill rows); merging the chunks into one of their summed length overprices
 * steps of three or more by 4 to 14 ms.
 *
 * Accuracy, on two real vLLM 0.19 runs of 300 ShareGPT requests (Llama-3.1-8B on one GPU, Qwen3-32B on two), host
 * time added as in hw/host_time.h and all_reduce = 30 us + bytes / 16 GB/s. An engine model with asynchronous
 * scheduling of depth 2 and prefix caching, its clock set to the recorded stamps, puts every first and last token whose
 * step the stamps determine into that step, so steps compare one by one. On the 8B run, those in a CUDA graph take
 * 1.1 ms longer than these tables (0.1 at one sequence, 3 at 33 to 64, probably from uneven contexts, 0.7 at 128),
 * others 5.5 ms. Free-running with these rounded to 1 ms on every step and 4.5 ms more without a graph, the error of 15
 * statistics (mean, p50, p90, p95, p99 of TTFT, TPOT, E2E) is, mean and worst: 0.6 and 1.7 % (8B), 0.8 and 1.1 % (32B);
 * host time was chosen on the same two runs.
 *
 * Bounds: a GEMM counts as compute when its FLOPs at the peak rate outlast its bytes at the HBM rate, else as HBM; the
 * other layers as HBM; attention as HBM for decodes and compute for chunks, split by their times alone.
 */
#ifndef ASIM_HW_PROFILE_PROFILE_STEP_H
#define ASIM_HW_PROFILE_PROFILE_STEP_H

#include "hw/kernel_model.h"

#endif
