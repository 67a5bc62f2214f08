#include "hw/tile/gemm.h"

#include "base/pmath.h"

#include <assert.h>
#include <math.h>

static const double block_k = 64.0;               /* depth of a main-loop block */
static const double full_intensity = 256.0 / 3.0; /* of a 128 x 256 tile, FLOP per element loaded and 2 */
static const double power_knee_us = 500.0;

static const uint16_t tile_shapes[GEMM_TILE_SHAPES][2] = {
    {16, 64},  {16, 128}, {32, 64},   {32, 128},  {64, 64},   {64, 128},
    {64, 256}, {128, 64}, {128, 128}, {128, 256}, {256, 128},
};
static const double splits[] = {1, 2, 3, 4, 6, 8, 16};
enum { N_SPLITS = sizeof splits / sizeof splits[0] };
static const double shares[N_SPLITS] = {1.0, 1.0 / 2, 1.0 / 3, 1.0 / 4, 1.0 / 6, 1.0 / 8, 1.0 / 16};

void gemm_init(struct gemm_model *model, const struct device *device, uint32_t element_bytes)
{
    *model = (struct gemm_model){
        .constants = device->gemm,
        .sms = device->sms,
        .w = device->hbm_gbs * 1e3,
        .l2_bytes = (double)device->l2_bytes,
        .element_bytes = element_bytes,
        .slowdown = 1.0 / device->sustained_clock - 1.0,
        .per_sm = 1.0 / device->sms,
        .us_per_l2_byte = 1.0 / (device->hbm_gbs * 1e3 * device->gemm.r_l2),
        .us_per_hbm_byte = 1.0 / (device->hbm_gbs * 1e3 * device->gemm.eta_m),
    };
    const double flop_per_us_per_sm = device->bf16_tflops * 1e6 / device->sms;
    for (int i = 0; i < GEMM_TILE_SHAPES; i++) {
        const double bm = tile_shapes[i][0];
        const double bn = tile_shapes[i][1];
        const double intensity = bm * bn / (bm + bn);
        const double i0 = device->gemm.i0;
        const double eff = device->gemm.eta_c * intensity / (intensity + i0) * (1.0 + i0 / full_intensity);
        const double ctas = 32768.0 / (bm * bn);
        const double occ = ctas < 1.0 ? 1.0 : ctas > 4.0 ? 4.0 : ctas;
        model->shapes[i] = (struct gemm_shape){
            .bm = bm,
            .bn = bn,
            .occ = occ,
            .wave_bytes = 2.0 * sqrt(device->sms * occ * bm * bn) * element_bytes,
            .block_us = 2.0 * bm * bn * block_k / (flop_per_us_per_sm * eff),
        };
    }
}

static double max2(double a, double b)
{
    return a > b ? a : b;
}

/* One product, and what does not depend on the kernel. */
struct product {
    double m, n, k;
    double compulsory; /* bytes */
    bool rereads;      /* the smaller operand falls out of L2 */
};

struct terms {
    double mma, l2, hbm;
    double outside; /* launch, ramp and the reduction of splits */
    double busy;    /* tensor-core time in mma, 0 when latency bounds it */
    double least;   /* lower bound of the time: the norm is at least its largest term */
    bool close;     /* `least` is close_bound() */
};

static struct terms candidate_terms(const struct gemm_model *model, const struct product *product,
                                    const struct gemm_shape *shape, double tiles_mn, double split)
{
    const struct gemm_constants *c = &model->constants;
    const double e = model->element_bytes;
    const double outputs = product->m * product->n;
    const double tiles = tiles_mn * split;
    const double w = tiles / model->sms;
    const double weff = max2(w + c->q * (ceil(w) - w), 1.0);
    const double rounds = ceil(w / shape->occ);
    const double blocks = ceil(product->k / (block_k * split));
    const double busy = weff * shape->block_us * blocks;
    const double latency = rounds * c->tk * 1e-3 * blocks;
    double mma = max2(busy, latency);
    mma *= 1.0 + c->thr * mma / (mma + power_knee_us);
    double bytes = product->compulsory;
    if (product->rereads) {
        bytes = max2(bytes, rounds * shape->wave_bytes * product->k / split);
    }
    const double ramp = c->t0 + c->te * sqrt(rounds);
    struct terms terms = {
        .mma = mma,
        .l2 = (tiles * (shape->bm + shape->bn) * e * product->k / split + 2.0 * outputs) / (model->w * c->r_l2),
        .hbm = bytes / (model->w * c->eta_m),
        .outside = split > 1.0 ? ramp + c->tsp + 8.0 * split * outputs / (model->w * c->r_l2) : ramp,
        .busy = busy >= latency ? mma : 0.0,
    };
    terms.least = terms.outside + max2(terms.mma, max2(terms.l2, terms.hbm));
    return terms;
}

/* outside + (mma^p + l2^p + hbm^p)^(1/p), scaled by the largest term. */
static double terms_us(const struct terms *terms, double p)
{
    const double largest = max2(terms->mma, max2(terms->l2, terms->hbm));
    const double part[] = {terms->mma / largest, terms->l2 / largest, terms->hbm / largest};
    double sum = 0.0;
    for (int i = 0; i < 3; i++) {
        sum += part[i] < 1.0 ? pmath_pow(part[i], p) : 1.0;
    }
    return terms->outside + largest * pmath_pow(sum, 1.0 / p);
}

/* A closer bound that needs no power: a norm falls as its order grows, so one of order 4 or 8 is below that of p. */
static double close_bound(const struct terms *terms, double p)
{
    const double rounding = 1.0 - 1e-12;
    const double mma2 = terms->mma * terms->mma, l22 = terms->l2 * terms->l2, hbm2 = terms->hbm * terms->hbm;
    const double mma4 = mma2 * mma2, l24 = l22 * l22, hbm4 = hbm2 * hbm2;
    const double norm =
        p <= 4.0 ? sqrt(sqrt(mma4 + l24 + hbm4)) : sqrt(sqrt(sqrt(mma4 * mma4 + l24 * l24 + hbm4 * hbm4)));
    return terms->outside + rounding * norm;
}

/* The least time over the candidates. They are taken in the order of their lower bounds, so that few need a closer one,
 * and fewer the norm. */
static double best_candidate(const struct gemm_model *model, struct terms *candidates, int n, struct terms *chosen)
{
    const double p = model->constants.p;
    double best = INFINITY;
    for (;;) {
        int next = 0;
        for (int i = 1; i < n; i++) {
            next = candidates[i].least < candidates[next].least ? i : next;
        }
        struct terms *candidate = &candidates[next];
        if (candidate->least >= best) {
            return best;
        }
        if (p <= 8.0 && !candidate->close) {
            candidate->least = close_bound(candidate, p);
            candidate->close = true;
            continue;
        }
        const double time = terms_us(candidate, p);
        if (time < best) {
            best = time;
            *chosen = *candidate;
        }
        candidate->least = INFINITY;
    }
}

/* Bounds of a candidate's time. From below, without a division: a wave is at least as long as its share of the tiles,
 * the tensor cores as one CTA's blocks, traffic as its compulsory part; what the splits do not change is `unsplit`.
 * From above: a norm falls as its order grows. Both leave room for rounding. */
static double unsplit_bound(const struct gemm_model *model, const struct product *product,
                            const struct gemm_shape *shape, double tiles_mn)
{
    const double mma = tiles_mn * model->per_sm * shape->block_us * product->k * (1.0 / block_k);
    const double l2 =
        (tiles_mn * (shape->bm + shape->bn) * model->element_bytes * product->k + 2.0 * product->m * product->n) *
        model->us_per_l2_byte;
    return max2(product->compulsory * model->us_per_hbm_byte, max2(mma, l2));
}

static double bound_below(const struct gemm_model *model, const struct product *product, const struct gemm_shape *shape,
                          double unsplit, int split)
{
    const struct gemm_constants *c = &model->constants;
    const double blocks = shape->block_us * product->k * (1.0 / block_k) * shares[split];
    const double join = split ? c->tsp + 8.0 * splits[split] * product->m * product->n * model->us_per_l2_byte : 0.0;
    return (c->t0 + c->te + join + max2(unsplit, blocks)) * (1.0 - 1e-9);
}

static double bound_above(const struct terms *terms, double p)
{
    const double norm = p < 2.0 ? terms->mma + terms->l2 + terms->hbm
                                : sqrt(terms->mma * terms->mma + terms->l2 * terms->l2 + terms->hbm * terms->hbm);
    return (terms->outside + norm) * (1.0 + 1e-9);
}

/* The candidates that may be the best one, in the order of shapes and splits; returns their number. */
static int promising_candidates(const struct gemm_model *model, const struct product *product, struct terms *candidates)
{
    double tiles_mn[GEMM_TILE_SHAPES];
    double below[GEMM_TILE_SHAPES][N_SPLITS];
    int lowest = 0;
    for (int i = 0; i < GEMM_TILE_SHAPES; i++) {
        const struct gemm_shape *shape = &model->shapes[i];
        tiles_mn[i] = ceil(product->m / shape->bm) * ceil(product->n / shape->bn);
        const double unsplit = unsplit_bound(model, product, shape, tiles_mn[i]);
        for (int j = 0; j < N_SPLITS; j++) {
            below[i][j] = bound_below(model, product, shape, unsplit, j);
            lowest = below[i][j] < below[lowest / N_SPLITS][lowest % N_SPLITS] ? i * N_SPLITS + j : lowest;
        }
    }
    const struct terms guess = candidate_terms(model, product, &model->shapes[lowest / N_SPLITS],
                                               tiles_mn[lowest / N_SPLITS], splits[lowest % N_SPLITS]);
    double above = bound_above(&guess, model->constants.p);
    int count = 0;
    for (int i = 0; i < GEMM_TILE_SHAPES; i++) {
        for (int j = 0; j < N_SPLITS; j++) {
            if (below[i][j] <= above) {
                candidates[count] = candidate_terms(model, product, &model->shapes[i], tiles_mn[i], splits[j]);
                const double bound = bound_above(&candidates[count++], model->constants.p);
                above = bound < above ? bound : above;
            }
        }
    }
    return count;
}

struct kernel_cost gemm_cost(const struct gemm_model *model, uint32_t m, uint32_t n, uint32_t k)
{
    assert(m >= 1 && n >= 1 && k >= 1);
    const double e = model->element_bytes;
    struct product product = {.m = m, .n = n, .k = k};
    product.compulsory = (product.n * product.k + product.m * product.k) * e + 2.0 * product.m * product.n;
    product.rereads = (m < n ? product.m : product.n) * product.k * e > 0.6 * model->l2_bytes;
    struct terms candidates[GEMM_TILE_SHAPES * N_SPLITS];
    const int count = promising_candidates(model, &product, candidates);
    struct terms chosen = {0};
    const double best = best_candidate(model, candidates, count, &chosen);
    if (chosen.hbm > max2(chosen.mma, max2(chosen.l2, chosen.outside))) {
        return (struct kernel_cost){.us = best, .bound = STEP_HBM};
    }
    const bool tensor_bound = chosen.busy > 0.0 && chosen.mma >= max2(chosen.l2, chosen.hbm);
    return (struct kernel_cost){.us = best + (tensor_bound ? chosen.busy * model->slowdown : 0.0),
                                .bound = STEP_COMPUTE};
}
