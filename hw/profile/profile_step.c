#include "hw/profile/profile_step.h"

#include "base/mem.h"
#include "hw/link/collective.h"
#include "hw/model/kernels.h"
#include "hw/profile/attention_table.h"
#include "hw/profile/layer_table.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct bounds {
    double part_us[STEP_BOUNDS];
};

struct profile_model {
    struct kernel_model base;
    struct arena arena;
    struct device device;
    struct model_shape shape;
    uint32_t tp;
    struct step_kernels kernels;
    struct curve dense[N_DENSE_LAYERS];
    struct curve sequence[N_SEQUENCE_LAYERS];
    struct attention_table *attention;
    double launch_us;
    uint32_t n_tokens;
    struct bounds *by_tokens; /* all but attention, LM head and sampler, by scheduled tokens */
    uint32_t n_sampled;
    struct bounds *by_sampled; /* LM head and sampler */
};

/* ---- everything but attention ---- */

/* Which bound a kernel meets on this device: a product of the model's data type the longer of arithmetic and memory
 * traffic, others memory. */
static enum step_bound kernel_bound(const struct profile_model *model, const struct kernel_shape *kernel, double rows)
{
    const double k = kernel->k, n = kernel->n;
    const double compute_us = 2.0 * rows * k * n / (model->device.bf16_tflops * 1e6);
    const double hbm_us = model->shape.dtype_bytes * (rows * k + k * n + rows * n) / (model->device.hbm_gbs * 1e3);
    return kernel->n > 0 && compute_us > hbm_us ? STEP_COMPUTE : STEP_HBM;
}

static struct bounds tokens_bounds(const struct profile_model *model, uint32_t tokens)
{
    const struct step_kernels *kernels = &model->kernels;
    const uint32_t rows = step_kernels_rows(kernels, tokens);
    struct bounds sum = {{0.0}};
    for (int layer = 0; layer < N_DENSE_LAYERS; layer++) {
        const struct kernel_shape *kernel = &kernels->dense[layer];
        if (kernel->count > 0.0) {
            sum.part_us[kernel_bound(model, kernel, rows)] += kernel->count * curve_at(&model->dense[layer], rows);
        }
    }
    sum.part_us[STEP_LINK] += kernels->all_reduces * all_reduce_us(&model->device.collective, model->tp,
                                                                   kernels->all_reduce_bytes_per_row * rows);
    return sum;
}

static struct bounds sampled_bounds(const struct profile_model *model, uint32_t sampled)
{
    struct bounds sum = {{0.0}};
    if (sampled > 0) {
        sum.part_us[kernel_bound(model, &model->kernels.lm_head, sampled)] +=
            curve_at(&model->sequence[LAYER_LM_HEAD], sampled);
        sum.part_us[STEP_HBM] += curve_at(&model->sequence[LAYER_SAMPLER], sampled);
    }
    return sum;
}

static void fill_tables(struct profile_model *model, const struct step_time_options *options)
{
    model->n_tokens = options->max_num_batched_tokens + 1;
    model->by_tokens = arena_alloc(&model->arena, model->n_tokens * sizeof *model->by_tokens);
    for (uint32_t tokens = 0; tokens < model->n_tokens; tokens++) {
        model->by_tokens[tokens] = tokens_bounds(model, tokens);
    }
    model->n_sampled = options->max_num_seqs + 1;
    model->by_sampled = arena_alloc(&model->arena, model->n_sampled * sizeof *model->by_sampled);
    for (uint32_t sampled = 0; sampled < model->n_sampled; sampled++) {
        model->by_sampled[sampled] = sampled_bounds(model, sampled);
    }
}

/* ---- a step ---- */

/* Attention of one layer with at least one chunk of two or more tokens; n decodes at mean context kv. */
static struct bounds mixed_attention(const struct profile_model *model, const struct batch_shape *shape, double n,
                                     double kv)
{
    double total = 0.0, prefill = 0.0;
    bool first = true;
    for (uint32_t i = 0; i < shape->n_chunks; i++) {
        const struct prefill_chunk *chunk = &shape->chunks[i];
        if (chunk->tokens <= 1) {
            continue;
        }
        const double alone = attention_mixed_us(model->attention, chunk->tokens, chunk->context, 0.0, 0.0);
        if (first) {
            prefill = alone;
            total = n > 0.0 ? attention_mixed_us(model->attention, chunk->tokens, chunk->context, n, kv) : alone;
            first = false;
        } else if (alone > model->launch_us) {
            prefill += alone - model->launch_us;
            total += alone - model->launch_us;
        }
    }
    const double decode = n > 0.0 ? attention_decode_us(model->attention, n, kv) : 0.0;
    const double compute = prefill + decode > 0.0 ? total * (prefill / (prefill + decode)) : 0.0;
    return (struct bounds){{[STEP_COMPUTE] = compute, [STEP_HBM] = total - compute}};
}

static void profile_cost(struct kernel_model *base, const struct batch_shape *shape, double part_us[STEP_BOUNDS])
{
    const struct profile_model *model = (const struct profile_model *)base;
    const struct batch_counts counts = batch_count(shape);
    assert(counts.tokens >= 1);
    const struct bounds dense =
        counts.tokens < model->n_tokens ? model->by_tokens[counts.tokens] : tokens_bounds(model, counts.tokens);
    const struct bounds sample =
        counts.sampled < model->n_sampled ? model->by_sampled[counts.sampled] : sampled_bounds(model, counts.sampled);
    const double n = counts.decodes;
    const double kv = n > 0.0 ? (double)counts.decode_context / n : 0.0;
    const struct bounds attention = counts.tokens == counts.decodes
                                        ? (struct bounds){{[STEP_HBM] = attention_decode_us(model->attention, n, kv)}}
                                        : mixed_attention(model, shape, n, kv);
    for (int i = 0; i < STEP_BOUNDS; i++) {
        part_us[i] = dense.part_us[i] + sample.part_us[i] + model->shape.layers * attention.part_us[i];
    }
}

static uint32_t profile_decode_knots(struct kernel_model *base, uint32_t n_decode, const double **knots)
{
    return attention_decode_knots(((const struct profile_model *)base)->attention, n_decode, knots);
}

static void profile_destroy(struct kernel_model *base)
{
    struct profile_model *model = (struct profile_model *)base;
    attention_table_destroy(model->attention);
    arena_fini(&model->arena);
    mem_free(model);
}

/* ---- loading ---- */

/* A file of the profile: its rows, none when it has errors, and its path for further errors. */
struct table_file {
    char *path;
    struct profile_csv csv;
};

static struct table_file open_table(const struct step_time_options *options, const char *name,
                                    const struct profile_csv_format *format, struct diag *diag)
{
    struct table_file file;
    const size_t bytes = strlen(options->profile_dir) + strlen(name) + 20;
    file.path = mem_alloc(bytes);
    snprintf(file.path, bytes, "%s/tp%u/%s", options->profile_dir, options->tensor_parallel, name);
    profile_csv_read(file.path, format, &file.csv, diag);
    return file;
}

static void close_table(struct table_file *file)
{
    profile_csv_fini(&file->csv);
    mem_free(file->path);
}

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* Whether the folder and its tp<N> are there; the error says what is there instead. */
static bool check_folder(const struct step_time_options *options, struct diag *diag)
{
    enum { LARGEST_LISTED = 64 };
    const struct diag_where where = {.file = options->profile_dir};
    const uint32_t wanted = options->tensor_parallel;
    char path[4096];
    char found[512] = "";
    snprintf(path, sizeof path, "%s/tp%u", options->profile_dir, wanted);
    if (is_folder(path)) {
        return true;
    }
    if (!is_folder(options->profile_dir)) {
        diag_error(diag, ASIM_INPUT, where, "no such profile folder");
        return false;
    }
    for (int tp = 1; tp <= LARGEST_LISTED; tp++) {
        const size_t used = strlen(found);
        snprintf(path, sizeof path, "%s/tp%d", options->profile_dir, tp);
        if (is_folder(path)) {
            snprintf(found + used, sizeof found - used, "%stp%d", used ? ", " : "", tp);
        }
    }
    diag_error(diag, ASIM_INPUT, where, "no folder tp%u, which tensor parallel size %u needs; there is %s", wanted,
               wanted, *found ? found : "no tp1, tp2, .. at all");
    return false;
}

/* Warns when the LM head, whose weights exceed every cache, would stream them at a rate far from the device's: the
 * tables are then likely those of another model or GPU. */
static void check_rate(const struct profile_model *model, const char *folder, struct diag *diag)
{
    static const double slowest = 0.4, fastest = 1.3; /* of the HBM bandwidth */
    const struct curve *curve = &model->sequence[LAYER_LM_HEAD];
    const struct kernel_shape *head = &model->kernels.lm_head;
    const double gbs = (double)head->n * head->k * model->shape.dtype_bytes / (curve->y[0] * 1e3);
    if (kernel_bound(model, head, curve->x[0]) == STEP_HBM &&
        (gbs < slowest * model->device.hbm_gbs || gbs > fastest * model->device.hbm_gbs)) {
        diag_warning(diag, (struct diag_where){.file = folder},
                     "lm_head of `%s` on %u GPUs would read its weights at %.0f GB/s, where `%s` has %.0f: is this the "
                     "profile of another model or GPU?",
                     model->shape.name, model->tp, gbs, model->device.name, model->device.hbm_gbs);
    }
}

/* Every layer the model runs must be in the table, and none that it does not have. */
static void check_dense(const struct profile_model *model, const char *file, struct diag *diag)
{
    const struct diag_where where = {.file = file};
    for (int layer = 0; layer < N_DENSE_LAYERS; layer++) {
        const bool wanted = model->kernels.dense[layer].count > 0.0, found = model->dense[layer].n > 0;
        if (wanted != found) {
            diag_error(diag, ASIM_INPUT, where,
                       wanted ? "no rows of layer `%s`, which model `%s` has"
                              : "rows of layer `%s`, which model `%s` does not have",
                       dense_csv_format.layers[layer], model->shape.name);
        }
    }
}

static void load(struct profile_model *model, const struct step_time_options *options, struct diag *diag)
{
    struct table_file file = open_table(options, "dense.csv", &dense_csv_format, diag);
    if (file.csv.n_rows > 0) {
        layer_table_build(&file.csv, &model->arena, model->dense);
        check_dense(model, file.path, diag);
    }
    close_table(&file);
    file = open_table(options, "per_sequence.csv", &sequence_csv_format, diag);
    if (file.csv.n_rows > 0) {
        layer_table_build(&file.csv, &model->arena, model->sequence);
        for (int layer = 0; layer < N_SEQUENCE_LAYERS; layer++) {
            if (model->sequence[layer].n == 0) {
                diag_error(diag, ASIM_INPUT, (struct diag_where){.file = file.path}, "no rows of layer `%s`",
                           sequence_csv_format.layers[layer]);
            }
        }
    }
    close_table(&file);
    file = open_table(options, "attention.csv", &attention_csv_format, diag);
    if (file.csv.n_rows > 0) {
        model->attention = attention_table_create(file.path, &file.csv, diag);
    }
    close_table(&file);
}

struct kernel_model *profile_model_create(const struct step_time_options *options, struct diag *diag)
{
    static const struct kernel_model_ops ops = {
        .destroy = profile_destroy, .decode_knots = profile_decode_knots, .cost = profile_cost};
    assert(options->profile_dir);
    if (model_check_tensor_parallel(options->model, options->tensor_parallel, diag) != ASIM_OK ||
        !check_folder(options, diag)) {
        return NULL;
    }
    struct profile_model *model = mem_zalloc(sizeof *model);
    model->base.ops = &ops;
    model->device = *options->device;
    model->shape = *options->model;
    model->tp = options->tensor_parallel;
    step_kernels_init(&model->kernels, options);
    arena_init(&model->arena);
    const size_t errors = diag->n_errors;
    load(model, options, diag);
    if (diag->n_errors != errors) {
        profile_destroy(&model->base);
        return NULL;
    }
    check_rate(model, options->profile_dir, diag);
    model->launch_us = attention_launch_us(model->attention);
    fill_tables(model, options);
    return &model->base;
}
