#include "hw/tile/attention.h"

#include <assert.h>
#include <math.h>

static const double decode_block = 64.0;   /* keys */
static const double prefill_block = 128.0; /* keys */
static const double fa3_full_grid = 0.8;   /* share of the SMs from which FlashAttention 3 does not split */
static const double fa3_near_fullest = 0.85;
static const double fa3_balance = 1.1;
static const double fa3_short = 4.0; /* key blocks that are never split */

static double max2(double a, double b)
{
    return a > b ? a : b;
}

static double min2(double a, double b)
{
    return a < b ? a : b;
}

/* (a^4 + b^4)^(1/4) */
static double norm4(double a, double b)
{
    const double a2 = a * a;
    const double b2 = b * b;
    return sqrt(sqrt(a2 * a2 + b2 * b2));
}

static double fullness(double waves)
{
    return waves / ceil(waves);
}

/* Ranges that FlashAttention 3 may cut the keys into when `filled` CTAs do not fill the SMs: the fewest whose waves are
 * nearly as full as they can be (num_splits_heuristic), by the most ranges that are allowed. */
static void fill_most_splits(double filled, double sms, uint8_t most[FA3_LIMIT + 1])
{
    double fullest = 0.0;
    uint32_t splits = 1;
    for (uint32_t limit = 1; limit <= FA3_LIMIT; limit++) {
        fullest = max2(fullest, fullness(filled * limit / sms));
        while (fullness(filled * splits / sms) < fa3_near_fullest * fullest) {
            splits++;
        }
        most[limit] = (uint8_t)splits;
    }
}

void attention_init(struct attention_model *model, const struct device *device, uint32_t heads, uint32_t kv_heads,
                    uint32_t head_dim, uint32_t element_bytes)
{
    assert(heads % kv_heads == 0);
    const double sms = device->sms;
    *model = (struct attention_model){
        .constants = device->attention,
        .heads = heads,
        .kv_heads = kv_heads,
        .group = heads / kv_heads,
        .head_dim = head_dim,
        .element_bytes = element_bytes,
        .sms = sms,
        .w = device->hbm_gbs * 1e3,
        .flops_sm = device->bf16_tflops * 1e6 / sms,
        .r_l2 = device->gemm.r_l2,
        .l2_bytes = (double)device->l2_bytes,
        .slowdown = 1.0 / device->sustained_clock - 1.0,
    };
    const struct attention_constants *c = &model->constants;
    const double rows = max2(16.0, 16.0 * ceil(model->group / 16.0));
    const double mma = 256.0 * model->head_dim * rows / (model->flops_sm * c->dec_eta_g);
    const double load =
        c->dec_bw_sm > 0.0 ? 2.0 * decode_block * model->head_dim * model->element_bytes / (c->dec_bw_sm * 1e3) : 0.0;
    model->decode_block_us = max2(c->dec_t_blk * model->head_dim / 128.0, max2(mma, load));
    for (uint32_t nq = 1; c->pack_gqa && nq < FA3_TABLE_ROWS && kv_heads * nq < fa3_full_grid * sms; nq++) {
        fill_most_splits(kv_heads * nq, sms, model->most_splits[nq]);
    }
}

static double waves(double w)
{
    return w < 3.0 ? ceil(w) : w;
}

static struct kernel_cost decode_cost(const struct attention_model *model, double n, double context)
{
    const struct attention_constants *c = &model->constants;
    const double ctas = n * model->kv_heads * ceil(model->group / 64.0);
    const double blocks = context / n / decode_block;
    const double bytes = 2.0 * model->element_bytes * context * model->kv_heads * model->head_dim +
                         4.0 * n * model->heads * model->head_dim;
    const double mem = bytes / (model->w * c->dec_eta_m);
    const double partial = 4.0 * ctas * model->group * model->head_dim / (model->w * model->r_l2);
    double best = INFINITY;
    double chosen = 0.0;
    for (double split = 1.0; split <= 128.0; split *= 2.0) {
        const double join = split > 1.0 ? c->dec_t_comb + split * partial : 0.0;
        if (mem + join >= best) {
            break; /* the cost of joining grows with the splits */
        }
        const double cta = c->dec_t_cta + max2(blocks / split, 1.0) * model->decode_block_us;
        const double par = waves(ctas * split / model->sms) * cta;
        const double time = norm4(par, mem) + join;
        if (time < best) {
            best = time;
            chosen = par;
        }
    }
    const bool regroup = model->group > 1.0 && n > 1.0 && model->kv_heads > 1.0;
    const double fixed = c->dec_t0 + (regroup ? c->dec_t_gqa : 0.0);
    return (struct kernel_cost){.us = fixed + best, .bound = mem > max2(chosen, fixed) ? STEP_HBM : STEP_COMPUTE};
}

/* A batch as the kernels see it. A chunk of one token is a decode like any other. */
struct grid {
    double heads;   /* rows of CTAs per sequence: H, or KH when packed */
    double chunks;  /* of more than one token */
    double ctas;    /* of all chunks and heads */
    double blocks;  /* key blocks over all CTAs */
    double uncut;   /* the same without the causal cut */
    double max_nq;  /* q blocks of the longest chunk */
    double sum_nq;  /* over chunks */
    double last;    /* key blocks of the longest CTA */
    double tail;    /* max of last - first */
    double context; /* tokens of all chunks with their cached prefixes */
    double tokens;  /* new ones */
    double decodes, decode_context;
};

static struct grid batch_grid(const struct attention_model *model, const struct batch_shape *shape)
{
    const double bq = model->constants.bq;
    const double packed = model->constants.pack_gqa ? model->group : 1.0;
    struct grid grid = {
        .heads = model->heads / packed, .decodes = shape->n_decode, .decode_context = (double)shape->decode_context};
    for (uint32_t i = 0; i < shape->n_chunks; i++) {
        const double q = shape->chunks[i].tokens;
        const double kvp = shape->chunks[i].context;
        if (q == 1.0) {
            grid.decodes += 1.0;
            grid.decode_context += kvp + 1.0;
            continue;
        }
        const double nq = ceil(q * packed / bq);
        const double first = ceil((kvp + min2(q, bq / packed)) / prefill_block);
        const double last = ceil((kvp + q) / prefill_block);
        grid.chunks += 1.0;
        grid.sum_nq += nq;
        grid.blocks += grid.heads * nq * 0.5 * (first + last);
        grid.uncut += grid.heads * nq * last;
        grid.max_nq = max2(grid.max_nq, nq);
        grid.last = max2(grid.last, last);
        grid.tail = max2(grid.tail, last - first);
        grid.context += kvp + q;
        grid.tokens += q;
    }
    grid.ctas = grid.heads * grid.sum_nq;
    return grid;
}

/* As fill_most_splits when the longest chunk has `nq` q blocks of `heads` CTAs and the longest sequence `longest` key
 * blocks. */
static double fa3_most_splits(const struct attention_model *model, double heads, double nq, double longest)
{
    const uint32_t limit = (uint32_t)min2(min2(FA3_LIMIT, model->sms), longest);
    if (nq < FA3_TABLE_ROWS) {
        return model->most_splits[(uint32_t)nq][limit];
    }
    uint8_t most[FA3_LIMIT + 1];
    fill_most_splits(heads * nq, model->sms, most);
    return most[limit];
}

/* Ranges it does cut the keys of the longest sequence into: shares of 1.1 of an SM's mean number of blocks
 * (prepare_varlen_num_blocks). `scheduled`: key blocks over all CTAs, without the causal cut. */
static double key_splits(const struct attention_model *model, double heads, double nq, double longest, double scheduled)
{
    const double filled = heads * nq;
    if (!model->constants.pack_gqa || filled >= fa3_full_grid * model->sms || longest <= fa3_short) {
        return 1.0;
    }
    const double share = ceil(fa3_balance * scheduled / model->sms);
    return min2(fa3_most_splits(model, heads, nq, longest), ceil(longest / share));
}

/* A kernel that joins the partial results, float32 written and read. */
static double join_us(const struct attention_model *model, double splits, double tokens)
{
    const double bytes = 8.0 * splits * tokens * model->heads * model->head_dim;
    return splits > 1.0 ? model->constants.dec_t_comb + bytes / (model->w * model->constants.dec_eta_m) : 0.0;
}

/* Time to write the keys and values of new tokens into the cache (read once, write once), a kernel of its own whose
 * launch is in the fitted t0. */
static double cache_write_us(const struct attention_model *model, double tokens, double eta_m)
{
    return 4.0 * model->element_bytes * tokens * model->kv_heads * model->head_dim / (model->w * eta_m);
}

/* Sum of a launch's terms; arithmetic slows down with the clock. */
static struct kernel_cost launch_cost(const struct attention_model *model, double t0, double compute, double mem)
{
    const double time = t0 + norm4(compute, mem);
    if (mem > max2(compute, t0)) {
        return (struct kernel_cost){.us = time, .bound = STEP_HBM};
    }
    return (struct kernel_cost){.us = time + (compute > mem ? compute * model->slowdown : 0.0), .bound = STEP_COMPUTE};
}

static struct kernel_cost prefill_cost(const struct attention_model *model, const struct grid *grid)
{
    const struct attention_constants *c = &model->constants;
    const double block_us = 4.0 * c->bq * prefill_block * model->head_dim / (model->flops_sm * c->pre_eta_a);
    const double splits = key_splits(model, grid->heads, grid->max_nq, grid->last, grid->uncut);
    const double w = grid->ctas * splits / model->sms;
    const double quantised = (w + c->pre_qw * (ceil(w) - w)) / w;
    const double work = w * c->pre_t_cta + grid->blocks * block_us / model->sms;
    const double tail = w > 1.0 ? c->pre_qt * grid->tail / splits * block_us : 0.0;
    const double crit = c->pre_t_cta + grid->last / splits * block_us;
    const double compute = max2(crit, quantised * work + tail) + join_us(model, splits, grid->tokens);
    const double bytes = 2.0 * model->element_bytes * grid->context * model->kv_heads * model->head_dim +
                         4.0 * grid->tokens * model->heads * model->head_dim;
    const double t0 = c->pre_t0 + cache_write_us(model, grid->tokens, c->dec_eta_m);
    return launch_cost(model, t0, compute, bytes / (model->w * c->dec_eta_m));
}

static struct kernel_cost varlen_cost(const struct attention_model *model, const struct grid *grid)
{
    const struct attention_constants *c = &model->constants;
    const double block_us = 4.0 * c->bq * prefill_block * model->head_dim / (model->flops_sm * c->mix_eta_a);
    const double n = grid->decodes;
    const double decode_blocks = max2(grid->decode_context / n / prefill_block, 1.0);
    const double decode_ctas = n * grid->heads;
    const double longest = max2(grid->last, decode_blocks);
    const double splits =
        key_splits(model, grid->heads, grid->max_nq, longest, grid->uncut + decode_ctas * decode_blocks);
    const double empty = grid->heads * ((n + grid->chunks) * grid->max_nq - n - grid->sum_nq);
    const double busy =
        (grid->ctas + decode_ctas) * splits * c->mix_t_cta + (grid->blocks + decode_ctas * decode_blocks) * block_us;
    const double work = (busy + empty * c->mix_t_emp) / model->sms;
    const double crit = c->mix_t_cta + longest / splits * block_us;
    const double compute = max2(crit, work + c->mix_qq * crit) + join_us(model, splits, n + grid->tokens);
    const double kept = c->mix_l2_factor * model->l2_bytes;
    const double set = 2.0 * model->element_bytes * model->head_dim * (grid->decode_context + grid->context);
    const double miss = c->pack_gqa ? 0.0 : max2(0.0, min2(1.0, (set - kept) / kept));
    const double bytes = set * model->kv_heads * (1.0 + (model->group - 1.0) * miss);
    const double t0 = c->mix_t0 + cache_write_us(model, n + grid->tokens, c->mix_eta_m);
    return launch_cost(model, t0, compute, bytes / (model->w * c->mix_eta_m));
}

void attention_add(const struct attention_model *model, const struct batch_shape *shape, double times,
                   double part_us[STEP_BOUNDS])
{
    const struct grid grid = batch_grid(model, shape);
    if (grid.chunks > 0.0 && grid.decodes > 0.0 && !model->constants.separate) {
        kernel_cost_add(part_us, varlen_cost(model, &grid), times);
        return;
    }
    if (grid.chunks > 0.0) {
        kernel_cost_add(part_us, prefill_cost(model, &grid), times);
    }
    if (grid.decodes > 0.0) {
        kernel_cost_add(part_us, decode_cost(model, grid.decodes, grid.decode_context), times);
    }
}
