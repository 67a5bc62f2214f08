#include "instance/tiers/transfers.h"

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
    if ((uint64_t)decode->n * (most / decode->block_size + 1) <= blocks) {
        return most;
    }
    const uint32_t whole = blocks / decode->n;
    uint64_t used = (uint64_t)decode->n * whole;
    uint32_t rest = 0;
    while (rest < decode->block_size && (used += decode_set_crossings(decode, rest)) <= blocks) {
        rest++;
    }
    const uint64_t steps = (uint64_t)whole * decode->block_size + rest;
    return steps < most ? (uint32_t)steps : most;
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

/* The most batches, up to `most`, the last of which is composed before `until`; 0 < most, now < until. Batches get no
 * shorter, so `first` bounds their number from above, and the answer is near that bound: a step grows by nanoseconds.
 */
static uint32_t stretch_batches_before(const struct stretch *stretch, uint32_t most, simtime until)
{
    const simtime room = until > stretch->origin ? (until - stretch->origin - 1) / stretch->first : 0;
    uint32_t good = 1;
    uint32_t bad = room + stretch->depth < most ? (uint32_t)room + stretch->depth + 1 : most + 1;
    uint32_t stride = 1;
    while (bad - good > 1) {
        const uint32_t probe = bad - good > stride ? bad - stride : good + (bad - good) / 2;
        if (stretch_compose_time(stretch, probe - 1) < until) {
            good = probe;
            stride = (bad - good) / 2 ? (bad - good) / 2 : 1;
        } else {
            bad = probe;
            stride *= 2;
        }
    }
    return good;
}

/* Step ends inside a stretch are silent, but a telemetry instant may fall between them. `blocks`: what all batches but
 * the last take. */
static void note_stretch(struct instance *instance, const struct stretch *stretch, uint32_t batches, uint32_t blocks)
{
    const uint32_t used = engine_used_blocks(instance);
    const simtime last = stretch_compose_time(stretch, batches - 1);
    const int64_t index = engine_instant_before(instance, last);
    if (index > instance->snapshot_index) {
        const simtime instant = index * instance->config->telemetry_period;
        if (stretch->now <= instant) {
            const uint32_t ended = stretch_batches_before(stretch, batches - 1, instant + 1) - 1;
            if (ended) {
                instance->state.used_blocks = used + (uint32_t)blocks_ahead(&instance->decode, ended);
            }
        }
        instance->snapshot = instance->state;
        instance->snapshot_index = index;
    }
    instance->state.used_blocks = used + blocks;
}

/* Blocks that turns hold, times the time of batches, from `used` blocks before the first: batch j takes
 * first + growth j, and has what the set needs to advance j + 1 steps. Steps of one residue (modulo the block size) are
 * summed at once: there, blocks and time both grow by steps. */
static unsigned __int128 stretch_block_time(const struct stretch *stretch, const struct decode_set *decode,
                                            uint32_t used, uint32_t batches)
{
    const uint32_t period = decode->block_size;
    __int128 total = 0;
    __int128 blocks = used;
    for (uint32_t residue = 0; residue < period && residue <= batches; residue++) {
        const __int128 q = (batches - residue) / period; /* steps residue + period i, i to q; 0 is none */
        const __int128 time = stretch->first + stretch->growth * ((simtime)residue - 1);
        const __int128 longer = stretch->growth * (simtime)period;
        total += blocks * time * (q + (residue != 0)) + (blocks * longer + decode->n * time) * (q * (q + 1) / 2) +
                 decode->n * longer * (q * (q + 1) * (2 * q + 1) / 6);
        blocks += decode_set_crossings(decode, residue);
    }
    return (unsigned __int128)total;
}

/* The stretch begins before gaps are heard of: those that begin later are. */
static void note_late_gaps(const struct instance *instance, const struct stretch *stretch, uint32_t batches)
{
    if (stretch_end(stretch, batches) < instance->gaps_from) {
        return;
    }
    uint32_t before = 0; /* the most batches that end before */
    for (uint32_t step = UINT32_C(1) << 31; step; step /= 2) {
        if (step <= batches - before && stretch_end(stretch, before + step) < instance->gaps_from) {
            before += step;
        }
    }
    const uint32_t first = before + 1;
    if (first < batches) {
        series_add_run(instance->gaps, stretch->first + stretch->growth * (simtime)first, stretch->growth,
                       batches - first, instance->decode.n);
    }
}

/* Books `batches` (at least two) steps of the stretch: queue, blocks, members, time by bound. */
static void take_stretch(struct instance *instance, const struct stretch *stretch, const struct decode_piece *piece,
                         uint32_t batches)
{
    struct decode_set *decode = &instance->decode;
    const uint64_t first_context = decode->context + decode->n;
    const uint32_t before_last = (uint32_t)blocks_ahead(decode, batches - 1);
    const uint32_t blocks = before_last + decode_set_crossings(decode, (batches - 1) % decode->block_size);
    note_stretch(instance, stretch, batches, before_last);
    if (instance->residency) {
        engine_count_active(instance, stretch_block_time(stretch, decode, engine_active_blocks(instance), batches));
    }
    if (blocks) {
        kv_reserve(instance->pool, blocks);
    }
    decode_set_tick(decode, batches);

    struct instance_counters *counters = &instance->counters;
    const simtime n = batches;
    for (int i = 0; i < STEP_BOUNDS; i++) {
        counters->part[i] += n * piece->part[i];
    }
    counters->part[piece->slope_bound] +=
        piece->slope * ((simtime)(first_context - piece->from) * n + (simtime)decode->n * (n * (n - 1) / 2));
    const struct host_time *host = &instance->config->host;
    counters->part[STEP_HOST] += n * host_time_exposed(host, decode->n);
    if (stretch->depth == 1) {
        counters->part[STEP_HOST] += n * host->hideable;
    }
    counters->steps += batches;
    counters->fast_forwarded += batches;
    counters->jumps++;
    counters->scheduled_tokens += (uint64_t)decode->n * batches;
    const uint32_t used = engine_used_blocks(instance);
    if (used > counters->peak_used_blocks) {
        counters->peak_used_blocks = used;
    }

    /* The last `depth` batches are in flight now; the ones before them have ended in silence. */
    instance->n_batches = 0;
    for (uint32_t i = 0; i < stretch->depth; i++) {
        struct batch *batch = engine_batch(instance, i);
        batch->completions.n = batch->finishers.n = 0;
        batch->end = stretch_end(stretch, batches + i + 1 - stretch->depth);
        instance->n_batches++;
    }
    instance->device_free = stretch_end(stretch, batches);
    if (stretch->origin >= instance->gaps_from) {
        series_add_run(instance->gaps, stretch->first, stretch->growth, batches, decode->n);
    } else {
        note_late_gaps(instance, stretch, batches);
    }
}

uint32_t engine_fast_forward(struct instance *instance, simtime now, simtime until)
{
    const struct engine_config *config = instance->config;
    struct decode_set *decode = &instance->decode;
    if (config->stepping != ENGINE_FAST_FORWARD || !decode->n || instance->n_prefilling || decode->n_shared ||
        !engine_none_to_admit(instance) || instance->n_batches + 1 != config->queue_depth || now >= until) {
        return 0;
    }
    if (instance->residency && engine_plans_transfers(instance)) {
        return 0;
    }
    if (instance->node && instance->node->plan->between_steps && node_next(instance->node) != SIMTIME_NEVER) {
        return 0; /* batches wait for copies */
    }
    for (uint32_t i = 0; i < instance->n_batches; i++) {
        const struct batch *batch = engine_batch(instance, i);
        if (!batch_is_silent(batch) || (instance->node && engine_batch_fills(instance, batch))) {
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
    /* The stretch may end where this one schedules its last token. */
    sequence_prefetch(sequence_pool_at(&instance->sequences, decode_set_next(decode)));
    int64_t last = decode_set_next_finish(decode);
    if (instance->node && engine_next_fill(instance) < last) {
        last = engine_next_fill(instance);
    }
    int64_t most = last - decode->clock - 1;
    enum { MOST = 1 << 15 };
    most = most < MOST ? most : MOST;
    if (most > 0 && piece->to - context - 1 < (uint64_t)(most - 1) * decode->n) {
        most = (int64_t)((piece->to - context - 1) / decode->n) + 1;
    }
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
