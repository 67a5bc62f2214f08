#include "hw/tile/tile_step.h"

#include "base/mem.h"
#include "hw/link/collective.h"
#include "hw/model/kernels.h"
#include "hw/tile/attention.h"
#include "hw/tile/elementwise.h"
#include "hw/tile/gemm.h"

#include <assert.h>
#include <stdatomic.h>

/* Parts of a step that an index alone decides. The parts are atomic so that threads that fill the same entry, with the
 * same bits, do not race; `ready` publishes them. */
struct entry {
    _Atomic double part_us[STEP_BOUNDS];
    atomic_bool ready;
};

/* Mean contexts of the decode knots: 64 tokens apart up to 1,024, then a tenth more each up to 2^21. */
enum { KNOT_STEP = 64, LINEAR_KNOTS = 17, MAX_KNOTS = 128, LAST_KNOT = 1 << 21 };

struct tile_model {
    struct kernel_model base;
    struct device device;
    uint32_t layers;
    uint32_t tp;
    struct step_kernels kernels;
    struct gemm_model gemm;
    struct attention_model attention;
    uint32_t n_rows;          /* entries of by_rows, index 0 unused */
    uint32_t n_sampled;       /* entries of by_sampled */
    struct entry *by_rows;    /* all kernels that see every token, but attention */
    struct entry *by_sampled; /* LM head and sampler */
    uint32_t n_knots;
    double knots[MAX_KNOTS];
};

static void add_kernel(const struct tile_model *model, const struct kernel_shape *kernel, uint32_t rows,
                       double part_us[STEP_BOUNDS])
{
    const struct kernel_cost cost = kernel->n > 0 ? gemm_cost(&model->gemm, rows, kernel->n, kernel->k)
                                                  : elementwise_cost(&model->device, kernel->bytes_per_row * rows);
    kernel_cost_add(part_us, cost, kernel->count);
}

static void rows_cost(const struct tile_model *model, uint32_t rows, double part_us[STEP_BOUNDS])
{
    const struct step_kernels *kernels = &model->kernels;
    for (int layer = 0; layer < N_DENSE_LAYERS; layer++) {
        if (kernels->dense[layer].count > 0) {
            add_kernel(model, &kernels->dense[layer], rows, part_us);
        }
    }
    part_us[STEP_LINK] += kernels->all_reduces *
                          all_reduce_us(&model->device.collective, model->tp, kernels->all_reduce_bytes_per_row * rows);
}

static void sampled_cost(const struct tile_model *model, uint32_t sampled, double part_us[STEP_BOUNDS])
{
    const struct sampler_constants *sampler = &model->device.sampler;
    add_kernel(model, &model->kernels.lm_head, sampled, part_us);
    const double streaming = sampler->per_sequence * sampled;
    part_us[streaming > sampler->t0 ? STEP_HBM : STEP_COMPUTE] += sampler->t0 + streaming;
}

/* Adds entry `index` of a table, evaluating it the first time; beyond the table it is evaluated every time. */
static void add_entry(const struct tile_model *model, struct entry *table, uint32_t n, uint32_t index,
                      void (*evaluate)(const struct tile_model *, uint32_t, double *), double part_us[STEP_BOUNDS])
{
    double fresh[STEP_BOUNDS] = {0};
    if (index >= n) {
        evaluate(model, index, part_us);
        return;
    }
    struct entry *entry = &table[index];
    if (!atomic_load_explicit(&entry->ready, memory_order_acquire)) {
        evaluate(model, index, fresh);
        for (int i = 0; i < STEP_BOUNDS; i++) {
            atomic_store_explicit(&entry->part_us[i], fresh[i], memory_order_relaxed);
        }
        atomic_store_explicit(&entry->ready, true, memory_order_release);
    }
    for (int i = 0; i < STEP_BOUNDS; i++) {
        part_us[i] += atomic_load_explicit(&entry->part_us[i], memory_order_relaxed);
    }
}

static void tile_cost(struct kernel_model *base, const struct batch_shape *shape, double part_us[STEP_BOUNDS])
{
    struct tile_model *model = (struct tile_model *)base;
    for (int i = 0; i < STEP_BOUNDS; i++) {
        part_us[i] = 0.0;
    }
    const struct batch_counts counts = batch_count(shape);
    assert(counts.tokens >= 1);
    const uint32_t rows = step_kernels_rows(&model->kernels, counts.tokens);
    add_entry(model, model->by_rows, model->n_rows, rows, rows_cost, part_us);
    if (counts.sampled > 0) {
        add_entry(model, model->by_sampled, model->n_sampled, counts.sampled, sampled_cost, part_us);
    }
    attention_add(&model->attention, shape, model->layers, part_us);
}

static uint32_t tile_decode_knots(struct kernel_model *base, uint32_t n_decode, const double **knots)
{
    (void)n_decode; /* attention bends with the mean context, whatever the batch */
    const struct tile_model *model = (const struct tile_model *)base;
    *knots = model->knots;
    return model->n_knots;
}

static void tile_destroy(struct kernel_model *base)
{
    struct tile_model *model = (struct tile_model *)base;
    mem_free(model->by_rows);
    mem_free(model->by_sampled);
    mem_free(model);
}

static const struct kernel_model_ops tile_ops = {
    .destroy = tile_destroy,
    .decode_knots = tile_decode_knots,
    .cost = tile_cost,
};

static void fill_knots(struct tile_model *model)
{
    uint64_t knot = 0;
    while (model->n_knots < LINEAR_KNOTS) {
        model->knots[model->n_knots++] = (double)knot;
        knot += KNOT_STEP;
    }
    for (knot = (LINEAR_KNOTS - 1) * KNOT_STEP; knot < LAST_KNOT;) {
        knot += knot / 10;
        assert(model->n_knots < MAX_KNOTS);
        model->knots[model->n_knots++] = (double)knot;
    }
}

struct kernel_model *tile_model_create(const struct step_time_options *options, struct diag *diag)
{
    if (model_check_tensor_parallel(options->model, options->tensor_parallel, diag) != ASIM_OK) {
        return NULL;
    }
    const struct model_shape *shape = options->model;
    struct tile_model *model = mem_zalloc(sizeof *model);
    model->base.ops = &tile_ops;
    model->device = *options->device;
    model->layers = shape->layers;
    model->tp = options->tensor_parallel;
    step_kernels_init(&model->kernels, options);
    gemm_init(&model->gemm, &model->device, shape->dtype_bytes);
    attention_init(&model->attention, &model->device, shape->heads / model->tp,
                   model_kv_heads_per_rank(shape, model->tp), shape->head_dim, shape->dtype_bytes);
    model->n_rows = step_kernels_rows(&model->kernels, options->max_num_batched_tokens) + 1;
    model->n_sampled = options->max_num_seqs + 1;
    model->by_rows = mem_zalloc(model->n_rows * sizeof *model->by_rows);
    model->by_sampled = mem_zalloc(model->n_sampled * sizeof *model->by_sampled);
    fill_knots(model);
    return &model->base;
}
