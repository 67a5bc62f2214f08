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

void gemm_init(struct gemm_model *model, const struct device *device, uint32_t element_bytes)
{
    *model = (struct gemm_model){
        .constants = device->gemm,
        .sms = device->sms,
        .w = device->hbm_gbs * 1e3,
        .l2_bytes = (double)device->l2_bytes,
        .element_bytes = element_bytes,
        .slowdown = 1.0 / device->sustained_clock - 1.0,
    };
    const double flop_per_us_per_sm = device->bf16_tflops * 1e6 / device->sms;
    for (int i = 0; i < GEMM_TILE_SHAPES; i++) {
        const double bm = tile_shapes[i][0];
        const double bn = tile_shapes[i][1];
        const double intensity = bm * bn / (bm + bn);
        const double i0 = device->gemm.i0;
        const double eff = device->gemm.eta_c * intensity / (intensity + i0) * (1.0 + i0 / full_intensity);
        const double ctas = 32768.0 / (bm * bn);
        model->shapes[i] = (struct gemm_shape){
            .bm = bm,
            .bn = bn,
            .occ = ctas < 1.0   ? 1.0
                   : ctas > 4.0 ? 4.0
                                : ctas,
            .block_us = 2.0 * bm * bn * block_k / (flop_per_us_per_sm * eff),
        };
    }
}

/* (a^p + b^p + c^p)^(1/p), scaled by the largest. */
static double norm3(double a, double b, double c, double largest, double p)
{
    const double sum = pmath_pow(a / largest, p) + pmath_pow(b / largest, p) + pmath_pow(c / largest, p);
    return largest * pmath_pow(sum, 1.0 / p);
}

static double max2(double a, double b)
{
    return a > b ? a : b;
}

struct terms {
    double mma, l2, hbm;
    double outside; /* launch, ramp and the reduction of splits */
    double busy;    /* tensor-core time in mma, 0 when latency bounds it */
};

static struct terms candidate_terms(const struct gemm_model *model, const struct gemm_shape *shape, double split,
                                    double m, double n, double k)
{
    const struct gemm_constants *c = &model->constants;
    const double e = model->element_bytes;
    const double tiles = ceil(m / shape->bm) * ceil(n / shape->bn) * split;
    const double w = tiles / model->sms;
    const double weff = max2(w + c->q * (ceil(w) - w), 1.0);
    const double rounds = ceil(w / shape->occ);
    const double blocks = ceil(k / (block_k * split));
    const double busy = weff * shape->block_us * blocks;
    const double latency = rounds * c->tk * 1e-3 * blocks;
    double mma = max2(busy, latency);
    mma *= 1.0 + c->thr * mma / (mma + power_knee_us);
    double bytes = (n * k + m * k) * e + 2.0 * m * n;
    if ((m < n ? m : n) * k * e > 0.6 * model->l2_bytes) {
        const double panels = rounds * 2.0 * sqrt(model->sms * shape->occ * shape->bm * shape->bn) * k / split * e;
        bytes = max2(bytes, panels);
    }
    const double reduction = split > 1.0 ? c->tsp + 8.0 * split * m * n / (model->w * c->r_l2) : 0.0;
    return (struct terms){
        .mma = mma,
        .l2 = (tiles * (shape->bm + shape->bn) * e * k / split + 2.0 * m * n) / (model->w * c->r_l2),
        .hbm = bytes / (model->w * c->eta_m),
        .outside = c->t0 + c->te * sqrt(rounds) + reduction,
        .busy = busy >= latency ? mma : 0.0,
    };
}

struct kernel_cost gemm_cost(const struct gemm_model *model, uint32_t m, uint32_t n, uint32_t k)
{
    assert(m >= 1 && n >= 1 && k >= 1);
    double best = INFINITY;
    struct terms chosen = {0};
    for (int i = 0; i < GEMM_TILE_SHAPES; i++) {
        for (int j = 0; j < N_SPLITS; j++) {
            const struct terms terms = candidate_terms(model, &model->shapes[i], splits[j], m, n, k);
            const double largest = max2(max2(terms.mma, terms.l2), terms.hbm);
            if (terms.outside + largest >= best) {
                continue; /* the norm is at least its largest term */
            }
            const double time = terms.outside + norm3(terms.mma, terms.l2, terms.hbm, largest, model->constants.p);
            if (time < best) {
                best = time;
                chosen = terms;
            }
        }
    }
    const double on_chip = max2(chosen.mma, max2(chosen.l2, chosen.outside));
    if (chosen.hbm > on_chip) {
        return (struct kernel_cost){.us = best, .bound = STEP_HBM};
    }
    const bool tensor_bound = chosen.busy > 0.0 && chosen.mma >= max2(chosen.l2, chosen.hbm);
    return (struct kernel_cost){.us = best + (tensor_bound ? chosen.busy * model->slowdown : 0.0),
                                .bound = STEP_COMPUTE};
}
