#include "hw/profile/profile_step.h"

#include "base/mem.h"
#include "hw/link/collective.h"
#include "hw/profile/attention_table.h"
#include "hw/profile/layer_table.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

struct bounds {
    double part_us[STEP_BOUNDS];
};

struct profile_model {
    struct kernel_model base;
    struct arena arena;
    struct device device;
    struct model_shape shape;
    uint32_t tp;
    uint32_t max_graph_tokens;
    struct curve dense[N_DENSE_LAYERS];
    struct curve sequence[N_SEQUENCE_LAYERS];
    struct attention_table *attention;
    double launch_us;
    uint32_t n_tokens;        /* entries of by_tokens, by padded number of tokens */
    struct bounds *by_tokens; /* all but attention, LM head and sampler */
    uint32_t n_sampled;
    struct bounds *by_sampled; /* LM head and sampler */
};

/* ---- CUDA graph sizes ---- */

uint32_t profile_max_graph_tokens(uint32_t max_num_seqs)
{
    return max_num_seqs < 256 ? 2 * max_num_seqs : 512;
}

uint32_t profile_graph_tokens(uint32_t tokens, uint32_t max_graph_tokens)
{
    uint32_t size = 1;
    if (tokens > 256) {
        size = (tokens + 15) / 16 * 16;
    } else if (tokens > 4) {
        size = (tokens + 7) / 8 * 8;
    } else {
        while (size < tokens) {
            size *= 2;
        }
    }
    return size <= max_graph_tokens ? size : tokens;
}

/* ---- everything but attention ---- */

/* Which bound an [m, k] x [k, n] GEMM of the model's data type meets on this device. */
static enum step_bound gemm_bound(const struct profile_model *model, double m, double k, double n)
{
    const double compute_us = 2.0 * m * k * n / (model->device.bf16_tflops * 1e6);
    const double hbm_us = model->shape.dtype_bytes * (m * k + k * n + m * n) / (model->device.hbm_gbs * 1e3);
    return compute_us > hbm_us ? STEP_COMPUTE : STEP_HBM;
}

static enum step_bound dense_bound(const struct profile_model *model, enum dense_layer layer, double m)
{
    const struct model_shape *s = &model->shape;
    const double tp = model->tp, hidden = s->hidden, inner = s->intermediate / tp;
    const double query = (double)s->heads * s->head_dim / tp, key_value = 2.0 * s->kv_heads * s->head_dim / tp;
    switch (layer) {
    case LAYER_QKV_PROJ:
        return gemm_bound(model, m, hidden, query + key_value);
    case LAYER_O_PROJ:
        return gemm_bound(model, m, query, hidden);
    case LAYER_GATE_UP_PROJ:
        return gemm_bound(model, m, hidden, 2.0 * inner);
    case LAYER_DOWN_PROJ:
        return gemm_bound(model, m, inner, hidden);
    default:
        return STEP_HBM;
    }
}

/* How often a layer's kernel runs in one step. */
static double dense_count(const struct profile_model *model, enum dense_layer layer)
{
    switch (layer) {
    case LAYER_EMBEDDING:
    case LAYER_FINAL_LAYERNORM:
        return 1.0;
    case LAYER_LAYERNORM:
        return 2.0 * model->shape.layers;
    case LAYER_QK_NORM:
        return model->shape.qk_norm ? model->shape.layers : 0.0;
    default:
        return model->shape.layers;
    }
}

static struct bounds tokens_bounds(const struct profile_model *model, uint32_t tokens)
{
    struct bounds sum = {{0.0}};
    for (int layer = 0; layer < N_DENSE_LAYERS; layer++) {
        const double count = dense_count(model, layer);
        if (count > 0.0) {
            sum.part_us[dense_bound(model, layer, tokens)] += count * curve_at(&model->dense[layer], tokens);
        }
    }
    if (model->tp > 1) {
        const double bytes = (double)model->shape.dtype_bytes * model->shape.hidden * tokens;
        sum.part_us[STEP_LINK] +=
            (2.0 * model->shape.layers + 1.0) * all_reduce_us(&model->device.collective, model->tp, bytes);
    }
    return sum;
}

static struct bounds sampled_bounds(const struct profile_model *model, uint32_t sampled)
{
    struct bounds sum = {{0.0}};
    if (sampled > 0) {
        const double vocab = model->shape.vocab / (double)model->tp;
        sum.part_us[gemm_bound(model, sampled, model->shape.hidden, vocab)] +=
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
        model->by_tokens[tokens] = tokens_bounds(model, profile_graph_tokens(tokens, model->max_graph_tokens));
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
    uint32_t tokens = shape->n_decode, decodes = shape->n_decode, sampled = shape->n_decode;
    uint64_t context = shape->decode_context;
    for (uint32_t i = 0; i < shape->n_chunks; i++) {
        const struct prefill_chunk *chunk = &shape->chunks[i];
        assert(chunk->tokens >= 1);
        tokens += chunk->tokens;
        sampled += chunk->sampled;
        if (chunk->tokens == 1) {
            decodes++;
            context += (uint64_t)chunk->context + 1;
        }
    }
    assert(tokens >= 1);
    const struct bounds dense = tokens < model->n_tokens
                                    ? model->by_tokens[tokens]
                                    : tokens_bounds(model, profile_graph_tokens(tokens, model->max_graph_tokens));
    const struct bounds sample =
        sampled < model->n_sampled ? model->by_sampled[sampled] : sampled_bounds(model, sampled);
    const double kv = decodes > 0 ? (double)context / decodes : 0.0;
    const struct bounds attention =
        tokens == decodes ? (struct bounds){{[STEP_HBM] = attention_decode_us(model->attention, decodes, kv)}}
                          : mixed_attention(model, shape, decodes, kv);
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

/* Every layer the model runs must be in the table, and none that it does not have. */
static void check_dense(const struct profile_model *model, const char *file, struct diag *diag)
{
    const struct diag_where where = {.file = file};
    for (int layer = 0; layer < N_DENSE_LAYERS; layer++) {
        const bool wanted = dense_count(model, layer) > 0.0, found = model->dense[layer].n > 0;
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
    assert(options->profile_dir && options->tensor_parallel >= 1);
    struct profile_model *model = mem_zalloc(sizeof *model);
    model->base.ops = &ops;
    model->device = *options->device;
    model->shape = *options->model;
    model->tp = options->tensor_parallel;
    model->max_graph_tokens = profile_max_graph_tokens(options->max_num_seqs);
    arena_init(&model->arena);
    const size_t errors = diag->n_errors;
    load(model, options, diag);
    if (diag->n_errors != errors) {
        profile_destroy(&model->base);
        return NULL;
    }
    model->launch_us = attention_launch_us(model->attention);
    fill_tables(model, options);
    return &model->base;
}
