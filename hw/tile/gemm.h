/* Dense matrix products C[M,N] = A[M,K] B[K,N] by a closed-form tile model.
 *
 * A library picks among kernels by tile shape (BM, BN) and split of K; so does the model: the least, over 11 tile
 * shapes and 7 splits, of
 *
 *     tiles = ceil(M/BM) ceil(N/BN) s;  w = tiles/SMs;  weff = max(w + q(ceil(w)-w), 1)      wave quantisation q
 *     occ = clip(32768/(BM BN), 1, 4)                                                         CTAs per SM
 *     kk = ceil(K/(64 s));  I = BM BN/(BM+BN);  eff = eta_c I/(I+I0) (1+I0/85.3)              small tiles starve
 *     t_mma = max(weff 2 BM BN 64 kk / (F/SMs eff), ceil(w/occ) tk kk);  t_mma *= 1 + thr t_mma/(t_mma+500 us)   power
 *     t_l2  = (tiles (BM+BN) e K/s + 2 M N) / (W r_l2)
 *     t_hbm = max(compulsory, panels re-read by every wave) / (W eta_m);  compulsory = (N K + M K) e + 2 M N
 *     T = t0 + te sqrt(ceil(w/occ)) + (t_mma^P + t_l2^P + t_hbm^P)^(1/P) + [s>1] (tsp + 8 s M N/(W r_l2))
 *
 * with F peak FLOP/us, W HBM bytes/us, e bytes per element. Panels are re-read only when the smaller operand does not
 * stay in L2 (min(M,N) K e > 0.6 L2): a wave of SMs*occ CTAs, laid out as square as it goes, then reads
 * 2 sqrt(SMs occ BM BN) K e bytes. Constants fitted per GPU to measured kernels (`device.calibration`); weights are
 * taken to come from HBM always, as in a model whose layers exceed L2, though micro-benchmarks of small matrices hit
 * L2.
 *
 * A kernel that the tensor cores bound takes 1/sustained_clock of its arithmetic time: profiles run at boost clocks,
 * long steps do not.
 */
#ifndef ASIM_HW_TILE_GEMM_H
#define ASIM_HW_TILE_GEMM_H

#include "hw/device.h"
#include "hw/tile/kernel_cost.h"

enum { GEMM_TILE_SHAPES = 11 };

struct gemm_model {
    struct gemm_constants constants;
    double sms;
    double w; /* HBM bytes/us */
    double l2_bytes;
    double element_bytes;
    double slowdown;                        /* 1/sustained_clock - 1 */
    double per_sm;                          /* 1/SMs */
    double us_per_l2_byte, us_per_hbm_byte; /* for bounds of candidates: multiplied, where the law divides */
    struct gemm_shape {
        double bm, bn;
        double occ;
        double wave_bytes; /* panels of a wave, per unit of K */
        double block_us;   /* one CTA's 64-deep block of K at full rate */
    } shapes[GEMM_TILE_SHAPES];
};

void gemm_init(struct gemm_model *model, const struct device *device, uint32_t element_bytes);

/* Time of one product; m, n, k >= 1. */
struct kernel_cost gemm_cost(const struct gemm_model *model, uint32_t m, uint32_t n, uint32_t k);

#endif
