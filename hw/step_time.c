#include "hw/step_time.h"

#include "base/mem.h"
#include "hw/kernel_model.h"

#include <assert.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

/* Buckets over context sums by leading bits: the exponent and SUB_BITS bits after it. A bucket names the first piece
 * that can hold its contexts; a few steps from there at most, as the
 * knots of a model are about a tenth apart. */
enum { SUB_BITS = 3, N_BUCKETS = (64 - SUB_BITS + 1) << SUB_BITS };

/* Between knots a piece is halved while the model is off its middle by more than this share, down to pieces this many
 * tokens of mean context long. */
enum { SHORTEST_SPLIT = 16 };
static const double bend_tolerance = 0.0005;

/* The decode function at one number of sequences. */
struct row {
    uint32_t n_pieces;
    uint16_t bucket[N_BUCKETS];
    struct decode_piece pieces[];
};

struct step_time {
    struct kernel_model *kernels;
    uint32_t max_decode;
    _Atomic(struct row *) rows[]; /* by n_decode, filled when first asked for */
};

struct step_time *step_time_over(struct kernel_model *kernels, uint32_t max_num_seqs)
{
    assert(max_num_seqs >= 1);
    struct step_time *model = mem_zalloc(sizeof *model + ((size_t)max_num_seqs + 1) * sizeof model->rows[0]);
    model->kernels = kernels;
    model->max_decode = max_num_seqs;
    return model;
}

struct step_time *step_time_create(const struct step_time_options *options, struct diag *diag)
{
    struct kernel_model *kernels =
        options->profile_dir ? profile_model_create(options, diag) : tile_model_create(options, diag);
    return kernels ? step_time_over(kernels, options->max_num_seqs) : NULL;
}

void step_time_destroy(struct step_time *model)
{
    if (!model) {
        return;
    }
    for (uint32_t n = 0; n <= model->max_decode; n++) {
        mem_free(atomic_load_explicit(&model->rows[n], memory_order_relaxed));
    }
    model->kernels->ops->destroy(model->kernels);
    mem_free(model);
}

/* Rounds the sum of parts once to picoseconds, and the parts so that they sum to it: the largest takes the rest. */
static struct step_cost round_cost(const double part_us[STEP_BOUNDS])
{
    double sum = 0.0;
    int largest = 0;
    for (int i = 0; i < STEP_BOUNDS; i++) {
        assert(part_us[i] >= 0.0);
        sum += part_us[i];
        largest = part_us[i] > part_us[largest] ? i : largest;
    }
    struct step_cost cost = {.total = (simtime)floor(sum * (double)SIMTIME_US + 0.5)};
    simtime rest = cost.total;
    for (int i = 0; i < STEP_BOUNDS; i++) {
        if (i != largest) {
            cost.part[i] = (simtime)floor(part_us[i] * (double)SIMTIME_US + 0.5);
            rest -= cost.part[i];
        }
    }
    cost.part[largest] = rest;
    return cost;
}

static struct step_cost decode_cost(struct step_time *model, uint32_t n_decode, uint64_t context)
{
    const struct batch_shape shape = {.n_decode = n_decode, .decode_context = context};
    double part_us[STEP_BOUNDS];
    model->kernels->ops->cost(model->kernels, &shape, part_us);
    return round_cost(part_us);
}

static uint32_t bucket_of(uint64_t context)
{
    if (context < (UINT64_C(1) << SUB_BITS)) {
        return (uint32_t)context;
    }
    const uint32_t exponent = 63 - (uint32_t)__builtin_clzll(context);
    const uint32_t sub = (uint32_t)(context >> (exponent - SUB_BITS)) & ((1u << SUB_BITS) - 1);
    return ((exponent - SUB_BITS + 1) << SUB_BITS) + sub;
}

/* Smallest context of a bucket. */
static uint64_t bucket_start(uint32_t bucket)
{
    if (bucket < (1u << SUB_BITS)) {
        return bucket;
    }
    const uint32_t exponent = (bucket >> SUB_BITS) + SUB_BITS - 1;
    const uint64_t sub = bucket & ((1u << SUB_BITS) - 1);
    return (UINT64_C(1) << exponent) + (sub << (exponent - SUB_BITS));
}

/* Piece between the costs at two knots. The slope is rounded down, so that the function meets the next knot from below
 * by less than a picosecond per token; it is never negative: where a model falls, the piece is flat. It belongs to the
 * part that grows most. */
static struct decode_piece make_piece(uint64_t from, const struct step_cost *at, uint64_t to,
                                      const struct step_cost *next)
{
    struct decode_piece piece = {.from = from, .to = to, .base = at->total, .slope_bound = STEP_HBM};
    simtime most = INT64_MIN;
    for (int i = 0; i < STEP_BOUNDS; i++) {
        piece.part[i] = at->part[i];
        if (next->part[i] - at->part[i] > most) {
            most = next->part[i] - at->part[i];
            piece.slope_bound = (enum step_bound)i;
        }
    }
    const simtime rise = next->total - at->total;
    piece.slope = rise > 0 ? rise / (simtime)(to - from) : 0;
    return piece;
}

static void fill_buckets(struct row *row)
{
    uint32_t piece = 0;
    for (uint32_t bucket = 0; bucket < N_BUCKETS; bucket++) {
        while (row->pieces[piece].to <= bucket_start(bucket)) {
            piece++;
        }
        row->bucket[bucket] = (uint16_t)piece;
    }
}

/* A row under construction. */
struct builder {
    struct step_time *model;
    uint32_t n_decode;
    uint32_t n_pieces;
    size_t capacity;
    struct decode_piece *pieces;
};

/* Adds the pieces between two knots: one, or, where the model bends off the line at half way, those of the halves. */
static void add_pieces(struct builder *builder, uint64_t from, const struct step_cost *at, uint64_t to,
                       const struct step_cost *next)
{
    if (to - from >= (uint64_t)SHORTEST_SPLIT * builder->n_decode) {
        const uint64_t middle = from + (to - from) / 2;
        const struct step_cost half = decode_cost(builder->model, builder->n_decode, middle);
        const double share = (double)(middle - from) / (double)(to - from);
        const double line = (double)at->total + share * (double)(next->total - at->total);
        if (fabs((double)half.total - line) > bend_tolerance * line) {
            add_pieces(builder, from, at, middle, &half);
            add_pieces(builder, middle, &half, to, next);
            return;
        }
    }
    assert(builder->n_pieces < UINT16_MAX);
    builder->pieces = mem_grow(builder->pieces, &builder->capacity, builder->n_pieces + 1, sizeof builder->pieces[0]);
    builder->pieces[builder->n_pieces++] = make_piece(from, at, to, next);
}

/* Every piece starts at the model's own value at its knot (the sum of contexts nearest above the mean), so rounding
 * does not add up; the last goes on for ever. */
static struct row *build_row(struct step_time *model, uint32_t n_decode)
{
    const double *knots;
    const uint32_t n_knots = model->kernels->ops->decode_knots(model->kernels, n_decode, &knots);
    assert(n_knots >= 2 && knots[0] == 0.0);
    struct builder builder = {.model = model, .n_decode = n_decode};
    uint64_t from = 0;
    struct step_cost at = decode_cost(model, n_decode, 0);
    for (uint32_t k = 1; k < n_knots; k++) {
        const uint64_t to = (uint64_t)ceil(knots[k] * n_decode);
        if (to <= from) {
            continue; /* knots closer than a token */
        }
        const struct step_cost next = decode_cost(model, n_decode, to);
        add_pieces(&builder, from, &at, to, &next);
        from = to;
        at = next;
    }
    assert(builder.n_pieces >= 1);
    builder.pieces[builder.n_pieces - 1].to = UINT64_MAX;
    struct row *row = mem_alloc(sizeof *row + builder.n_pieces * sizeof row->pieces[0]);
    row->n_pieces = builder.n_pieces;
    memcpy(row->pieces, builder.pieces, builder.n_pieces * sizeof row->pieces[0]);
    mem_free(builder.pieces);
    fill_buckets(row);
    return row;
}

/* Publishes a new row; whoever comes second throws its own, equal one away. */
static __attribute__((noinline)) struct row *add_row(struct step_time *model, uint32_t n_decode)
{
    struct row *row = build_row(model, n_decode);
    struct row *expected = NULL;
    if (!atomic_compare_exchange_strong_explicit(&model->rows[n_decode], &expected, row, memory_order_acq_rel,
                                                 memory_order_acquire)) {
        mem_free(row);
        return expected;
    }
    return row;
}

const struct decode_piece *step_time_decode(struct step_time *model, uint32_t n_decode, uint64_t context)
{
    assert(n_decode >= 1 && n_decode <= model->max_decode);
    const struct row *row = atomic_load_explicit(&model->rows[n_decode], memory_order_acquire);
    if (!row) {
        row = add_row(model, n_decode);
    }
    const struct decode_piece *piece = &row->pieces[row->bucket[bucket_of(context)]];
    while (context >= piece->to && piece->to != UINT64_MAX) {
        piece++;
    }
    return piece;
}

struct step_cost step_time_batch(struct step_time *model, const struct batch_shape *shape)
{
    if (shape->n_chunks == 0) {
        const struct decode_piece *piece = step_time_decode(model, shape->n_decode, shape->decode_context);
        const simtime grown = piece->slope * (simtime)(shape->decode_context - piece->from);
        struct step_cost cost = {.total = piece->base + grown};
        for (int i = 0; i < STEP_BOUNDS; i++) {
            cost.part[i] = piece->part[i];
        }
        cost.part[piece->slope_bound] += grown;
        return cost;
    }
    double part_us[STEP_BOUNDS];
    model->kernels->ops->cost(model->kernels, shape, part_us);
    return round_cost(part_us);
}
