#include "instance/engine.h"

#include <assert.h>

const struct decode_piece *engine_piece(struct instance *instance, uint32_t n, uint64_t context)
{
    const struct decode_piece *piece = instance->piece;
    if (!piece || instance->piece_n != n || context < piece->from || context >= piece->to) {
        piece = step_time_decode(instance->step_time, n, context);
        instance->piece = piece;
        instance->piece_n = n;
    }
    return piece;
}

bool engine_run_steady(struct instance *instance, struct batch *batch, uint32_t *budget)
{
    const struct engine_config *config = &instance->config;
    struct decode_set *decode = &instance->decode;
    if (config->stepping == ENGINE_PLAIN || decode->n_shared ||
        (instance->n_prefilling && config->long_prefill_token_threshold)) {
        return false;
    }
    /* Without a threshold a partly computed prompt took all of a step's budget, so nothing was admitted behind it: it
     * is one, and the last of the list. */
    struct sequence *partial = instance->n_prefilling ? instance->running.tail : NULL;
    assert(!partial || (instance->n_prefilling == 1 && partial->state == SEQUENCE_PREFILLING));
    assert(decode->n <= *budget);
    const uint32_t crossings = decode_set_crossings(decode, 0);
    uint32_t tokens = 0;
    uint32_t chunk_blocks = 0;
    if (partial) {
        const uint32_t computed = (uint32_t)partial->base;
        tokens = engine_chunk_tokens(instance, partial->n_tokens - computed, *budget - decode->n);
        chunk_blocks = engine_blocks_of(instance, computed + tokens) -
                       (partial->holder.hashed_blocks + partial->holder.anonymous_blocks);
    }
    if (crossings + chunk_blocks > kv_free(instance->pool)) {
        return false;
    }
    if (crossings) {
        kv_reserve(instance->pool, crossings);
    }
    *budget -= decode->n + tokens;
    batch->n_decode = decode->n;
    decode_set_tick(decode, 1);
    batch->decode_context = decode->context;
    engine_drain_finished(instance, batch);
    if (tokens) {
        kv_alloc(instance->pool, &partial->holder, chunk_blocks);
        engine_add_chunk(instance, batch, partial, tokens);
        instance->head_blocked = false;
    }
    return true;
}

/* Blocks that the set needs to advance `steps` steps. */
static uint64_t blocks_ahead(const struct decode_set *decode, uint32_t steps)
{
    uint64_t blocks = (uint64_t)decode->n * (steps / decode->block_size);
    for (uint32_t i = 0; i < steps % decode->block_size; i++) {
        blocks += decode_set_crossings(decode, i);
    }
    return blocks;
}

/* The most steps, up to `most`, for which the free blocks suffice. */
static uint32_t steps_within_blocks(const struct instance *instance, uint32_t most)
{
    const struct decode_set *decode = &instance->decode;
    const uint32_t blocks = kv_free(instance->pool);
    const uint32_t whole = blocks / decode->n;
    if (whole >= most / decode->block_size + 1) {
        return most;
    }
    uint32_t steps = whole * decode->block_size;
    uint64_t used = (uint64_t)decode->n * whole;
    while (steps < most) {
        used += decode_set_crossings(decode, steps % decode->block_size);
        if (used > blocks) {
            break;
        }
        steps++;
    }
    return steps < most ? steps : most;
}

/* A stretch of steady steps on one decode piece. Batch j (from 0) ends at
 *     end(j) = origin + (j + 1) * first + growth * j (j + 1) / 2
 * with `first` the time of batch 0 and `growth` what each further token of every member adds. */
struct stretch {
    simtime origin; /* end of the batch before batch 0 */
    simtime first;
    simtime growth;
    simtime now;
    simtime in_flight_end; /* of the batch that runs at `now`, when the queue is two deep */
    uint32_t depth;
};

static simtime stretch_end(const struct stretch *stretch, uint32_t n)
{
    const simtime steps = n;
    return stretch->origin + steps * stretch->first + stretch->growth * (steps * (steps - 1) / 2);
}

/* When batch `i` is composed: at the end of the batch `depth` before it. */
static simtime stretch_compose_time(const struct stretch *stretch, uint32_t i)
{
    if (i == 0) {
        return stretch->now;
    }
    return i + 1 == stretch->depth ? stretch->in_flight_end : stretch_end(stretch, i + 1 - stretch->depth);
}

/* The most batches, up to `most`, the last of which is composed before `until`; 0 < most, now < until. */
static uint32_t stretch_batches_before(const struct stretch *stretch, uint32_t most, simtime until)
{
    uint32_t good = 1;
    uint32_t bad = most + 1;
    while (bad - good > 1) {
        const uint32_t middle = good + (bad - good) / 2;
        if (stretch_compose_time(stretch, middle - 1) < until) {
            good = middle;
        } else {
            bad = middle;
        }
    }
    return good;
}

/* Step ends inside a stretch are silent, but a telemetry instant may fall between them. */
static void note_stretch(struct instance *instance, const struct stretch *stretch, uint32_t batches)
{
    const uint32_t used = kv_usable(instance->pool) - kv_free(instance->pool);
    const simtime last = stretch_compose_time(stretch, batches - 1);
    const int64_t index = engine_instant_before(instance, last);
    if (index > instance->snapshot_index) {
        const simtime instant = index * instance->config.telemetry_period;
        if (stretch->now <= instant) {
            const uint32_t ended = stretch_batches_before(stretch, batches - 1, instant + 1) - 1;
            if (ended) {
                instance->state.used_blocks = used + (uint32_t)blocks_ahead(&instance->decode, ended);
            }
        }
        instance->snapshot = instance->state;
        instance->snapshot_index = index;
    }
    instance->state.used_blocks = used + (uint32_t)blocks_ahead(&instance->decode, batches - 1);
}

/* Books `batches` (at least two) steps of the stretch: queue, blocks, members, time by bound. */
static void take_stretch(struct instance *instance, const struct stretch *stretch, const struct decode_piece *piece,
                         uint32_t batches)
{
    struct decode_set *decode = &instance->decode;
    const uint64_t first_context = decode->context + decode->n;
    note_stretch(instance, stretch, batches);
    const uint64_t blocks = blocks_ahead(decode, batches);
    if (blocks) {
        kv_reserve(instance->pool, (uint32_t)blocks);
    }
    decode_set_tick(decode, batches);

    struct instance_counters *counters = &instance->counters;
    const simtime n = batches;
    for (int i = 0; i < STEP_BOUNDS; i++) {
        counters->part[i] += n * piece->part[i];
    }
    counters->part[piece->slope_bound] +=
        piece->slope * ((simtime)(first_context - piece->from) * n + (simtime)decode->n * (n * (n - 1) / 2));
    const struct host_time *host = &instance->config.host;
    counters->part[STEP_HOST] += n * host_time_exposed(host, decode->n);
    if (stretch->depth == 1) {
        counters->part[STEP_HOST] += n * host->hideable;
    }
    counters->steps += batches;
    counters->fast_forwarded += batches;
    counters->jumps++;
    counters->scheduled_tokens += (uint64_t)decode->n * batches;
    const uint32_t used = kv_usable(instance->pool) - kv_free(instance->pool);
    if (used > counters->peak_used_blocks) {
        counters->peak_used_blocks = used;
    }

    /* The last `depth` batches are in flight now; the ones before them have ended in silence. */
    instance->n_batches = 0;
    for (uint32_t i = 0; i < stretch->depth; i++) {
        struct batch *batch = engine_batch(instance, i);
        batch->completions.n = batch->finishers.n = batch->n_chunks = 0;
        batch->end = stretch_end(stretch, batches + i + 1 - stretch->depth);
        instance->n_batches++;
    }
    instance->device_free = stretch_end(stretch, batches);
}

uint32_t engine_fast_forward(struct instance *instance, simtime now, simtime until)
{
    const struct engine_config *config = &instance->config;
    struct decode_set *decode = &instance->decode;
    if (config->stepping != ENGINE_FAST_FORWARD || !decode->n || instance->n_prefilling || decode->n_shared ||
        !engine_none_to_admit(instance) || instance->n_batches + 1 != config->queue_depth || now >= until) {
        return 0;
    }
    for (uint32_t i = 0; i < instance->n_batches; i++) {
        if (!batch_is_silent(engine_batch(instance, i))) {
            return 0;
        }
    }
    const uint64_t context = decode->context + decode->n;
    const struct decode_piece *piece = engine_piece(instance, decode->n, context);
    const simtime exposed = host_time_exposed(&config->host, decode->n);
    const simtime device = piece->base + piece->slope * (simtime)(context - piece->from);
    struct stretch stretch = {.first = device + exposed,
                              .growth = piece->slope * (simtime)decode->n,
                              .now = now,
                              .depth = config->queue_depth};
    if (config->queue_depth == 1) {
        stretch.first += config->host.hideable;
        stretch.origin = now;
    } else {
        /* The next batch must be prepared before the one in flight ends, at every step. */
        stretch.in_flight_end = stretch.origin = engine_batch(instance, 0)->end;
        if (now + config->host.hideable > stretch.origin || config->host.hideable > stretch.first) {
            return 0;
        }
    }
    enum { MOST = 1 << 15 };
    int64_t most = decode_set_next_finish(decode) - decode->clock - 1;
    most = most < MOST ? most : MOST;
    const uint64_t on_piece = (piece->to - context - 1) / decode->n + 1;
    most = (uint64_t)most < on_piece ? most : (int64_t)on_piece;
    if (most > 0) {
        most = steps_within_blocks(instance, (uint32_t)most);
    }
    if (most < 2) {
        return 0;
    }
    const uint32_t batches = stretch_batches_before(&stretch, (uint32_t)most, until);
    if (batches < 2) {
        return 0;
    }
    take_stretch(instance, &stretch, piece, batches);
    return batches;
}
