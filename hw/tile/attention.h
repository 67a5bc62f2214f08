/* Attention kernels over a paged KV cache.
 *
 * Symbols: H query heads and KH KV heads on this rank, G = H/KH, hd head dimension, e bytes per element, S SMs, F peak
 * FLOP/us, W HBM bytes/us, B sequences. Times in us. Constants are fitted per GPU and attention library to published
 * measurements (`device.calibration`).
 *
 * Decode (flash decoding, one CTA per sequence, KV head and split):
 *     U = B KH ceil(G/64);  split s in {1, 2, .., 128}
 *     cta = t_cta + (kv/64)/s max(t_blk hd/128, 256 hd max(16, 16 ceil(G/16))/(F/S eta_g), 2 64 hd e/bw_sm)
 *     t_par = waves(U s/S) cta    (waves: ceil below 3, fluid above)
 *     t_mem = (2 e B kv KH hd + 4 B H hd)/(W eta_m)
 *     T = t0 + [G, B, KH > 1] t_gqa + (t_par^4 + t_mem^4)^(1/4) + [s > 1] (t_comb + 4 U s G hd/(W r_l2));  least over s
 * kv is the mean context of the batch: contexts differ, so blocks are counted fluidly (at least one per split). The
 * whole is continuous and non-decreasing in the sum of contexts. Replacing a ragged batch by its mean costs 4 % on
 * measured ragged batches, its maximum 98 %.
 *
 * Prefill (q new tokens on kvp cached ones, one CTA per sequence, head and BQ rows, blocks of BK = 128 keys):
 *     nq = ceil(q/BQ);  first = ceil((kvp + min(q, BQ))/BK);  last = ceil((kvp + q)/BK);  blk = (first + last)/2
 *     t_b = 4 BQ BK hd/(F/S eta_a);  U = H sum of nq;  w = U/S;  weff = w + qw (ceil(w) - w)
 *     t_c = max(t_cta + last t_b,  weff (t_cta + blk t_b) + [w > 1] qt (last - first) t_b)
 *     t_mem = (2 e (kvp + q) KH hd + 4 q H hd)/(W eta_m);  t_write = 4 e q KH hd/(W eta_m)    (new keys into the cache)
 *     T = t0 + t_write + (t_c^4 + t_mem^4)^(1/4)
 * A chunk of one token is a decode. Several chunks share one launch: their CTAs add up (blk is then the mean over
 * CTAs), `last` and the tail are those of the largest. With GQA packing the G heads of a KV head are rows of one CTA: H
 * -> KH, q -> q G.
 *
 * Mixed batch. Either separate kernels, T = T_prefill + T_decode; or one varlen launch, in which decode rows run as
 * prefill CTAs without split:
 *     work = sum over CTAs of (t_cta + blocks t_b)/S;  crit = t_cta + max(blocks) t_b;  empty CTAs cost t_emp, since
 *     the grid has the q blocks of the longest chunk for every sequence
 *     ws = 4 hd (sum of all contexts);  miss = clip((ws - c L2)/(c L2), 0, 1)
 *     bytes = 4 hd KH (sum of all contexts) (1 + (G - 1) miss);  t_mem = bytes/(W eta_m)
 *     T = t0 + t_write + (max(crit, work + qq crit)^4 + t_mem^4)^(1/4)
 * Unpacked (FlashAttention 2) every query head is a CTA of its own and reads the KV of its group again once that falls
 * out of L2. Packed (FlashAttention 3 on Hopper) a KV head is one CTA: H -> KH, q -> q G and no re-reads. No
 * measurements of packed mixed batches exist; its persistent scheduler leaves little of a tail, so qq is taken as 0.1
 * there, which agrees with whole steps measured on an H100 with separate kernels (FlashAttention 2, measured: 0.5).
 *
 * FlashAttention 3 cuts the keys of long sequences (over 4 blocks) when `filled` = KH nq CTAs of the longest chunk stay
 * below 0.8 of the SMs. As it does (num_splits_heuristic and prepare_varlen_num_blocks of the library), with packing:
 *     most = fewest k <= min(128, S, last) whose waves filled k/S are full to 0.85 of the best such k
 *     splits = min(most, ceil(last/share)),  share = ceil(1.1 sum over CTAs of last / S)   (no causal cut in that sum)
 *     crit = t_cta + last/splits t_b,  U -> U splits,  T += t_comb + 8 splits q H hd/(W eta_m)
 * The last is a kernel that joins the partial results, written and read as float32. Agent turns live here: some hundred
 * new tokens on a long cached prefix. Published kernels that split agree within 8 % (mean) for one or two sequences;
 * they are predicted 20-35 % low for four and more short chunks of few heads. A 128-token chunk of 32 heads on 8k to
 * 64k tokens agrees within 8 % with what another library (cuDNN) needs on an H100.
 */
#ifndef ASIM_HW_TILE_ATTENTION_H
#define ASIM_HW_TILE_ATTENTION_H

#include "hw/device.h"
#include "hw/tile/kernel_cost.h"

enum {
    FA3_LIMIT = 128,     /* most ranges that FlashAttention 3 cuts keys into */
    FA3_TABLE_ROWS = 64, /* of q blocks; beyond them its rule is evaluated every time */
};

struct attention_model {
    struct attention_constants constants;
    double heads, kv_heads, group, head_dim; /* on one rank */
    double element_bytes;
    double sms;
    double w;        /* HBM bytes/us */
    double flops_sm; /* peak FLOP/us of one SM */
    double r_l2;
    double l2_bytes;
    double slowdown;        /* 1/sustained_clock - 1 */
    double decode_block_us; /* 64 keys of one CTA */
    /* `most` by nq and the limit, where one chunk does not fill the SMs. */
    uint8_t most_splits[FA3_TABLE_ROWS][FA3_LIMIT + 1];
};

void attention_init(struct attention_model *model, const struct device *device, uint32_t heads, uint32_t kv_heads,
                    uint32_t head_dim, uint32_t element_bytes);

/* Adds one layer's attention of any batch to `part_us`, `times` times. */
void attention_add(const struct attention_model *model, const struct batch_shape *shape, double times,
                   double part_us[STEP_BOUNDS]);

#endif
