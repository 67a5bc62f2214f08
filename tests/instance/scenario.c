#include "instance/scenario.h"

#include "support/support.h"

#include "base/mem.h"
#include "base/rng.h"
#include "hw/device.h"
#include "kv/pool.h"

#include <string.h>

struct step_time *scenario_step_time(void)
{
    static struct device device;
    static struct model_shape model;
    struct diag diag;
    diag_init(&diag);
    assert_int_equal(device_load("h100-sxm", &device, &diag), ASIM_OK);
    assert_int_equal(model_load("llama-3.1-8b", &model, &diag), ASIM_OK);
    struct step_time *step_time = step_time_create(&(struct step_time_options){.device = &device,
                                                                               .model = &model,
                                                                               .tensor_parallel = 1,
                                                                               .max_num_seqs = 256,
                                                                               .max_num_batched_tokens = 8192},
                                                   &diag);
    assert_non_null(step_time);
    diag_fini(&diag);
    return step_time;
}

static uint64_t draw(uint64_t seed, uint32_t *counter, uint64_t low, uint64_t high)
{
    return low + rng_u64((struct rng_key){.seed = seed}, (*counter)++) % (high - low + 1);
}

static void draw_config(struct scenario *scenario, uint64_t seed, uint32_t *counter)
{
    static const uint32_t block_sizes[] = {1, 4, 16, 32};
    static const uint32_t budgets[] = {16, 64, 256, 2048};
    struct engine_config *config = &scenario->config;
    *config = (struct engine_config){
        .block_size = block_sizes[draw(seed, counter, 0, 3)],
        .max_num_seqs = (uint32_t)draw(seed, counter, 1, 40),
        .max_num_batched_tokens = budgets[draw(seed, counter, 0, 3)],
        .long_prefill_token_threshold = draw(seed, counter, 0, 4) ? 0 : (uint32_t)draw(seed, counter, 8, 64),
        .max_model_len = (uint32_t)draw(seed, counter, 200, 1200),
        .queue_depth = (uint32_t)draw(seed, counter, 1, 2),
        .prefix_caching = draw(seed, counter, 0, 5) > 0,
        .chunked_prefill = true,
        .reserve_full_prompt = draw(seed, counter, 0, 2) > 0,
        .host = {.hideable = (simtime)draw(seed, counter, 0, 2) * 3 * SIMTIME_MS,
                 .exposed = (simtime)draw(seed, counter, 0, 1) * SIMTIME_MS,
                 .exposed_ungraphed = 2 * SIMTIME_MS,
                 .max_graph_tokens = 64},
        .telemetry_period = (simtime)draw(seed, counter, 1, 50) * 10 * SIMTIME_MS,
    };
    if (draw(seed, counter, 0, 5) == 0) {
        config->chunked_prefill = false;
        config->max_num_batched_tokens = 2048;
    }
    const uint32_t least = (config->max_model_len + config->block_size - 1) / config->block_size + 1;
    config->n_blocks = least + (uint32_t)draw(seed, counter, 0, 3 * least);
    config->watermark_blocks = draw(seed, counter, 0, 3) ? 0 : least / 16;
}

/* Turns share system prompts, repeat each other's prompts, or are on their own; some outputs are held in common. */
static void draw_turn(struct scenario *scenario, uint64_t seed, uint32_t *counter, uint32_t index, simtime time)
{
    const uint32_t longest = scenario->config.max_model_len;
    const uint32_t prompt = (uint32_t)draw(seed, counter, 1, draw(seed, counter, 0, 2) ? longest / 4 : longest - 1);
    const uint32_t output = draw(seed, counter, 0, 7) ? (uint32_t)draw(seed, counter, 1, longest / 2)
                                                      : (uint32_t)draw(seed, counter, 0, 1);
    const uint32_t shared = (uint32_t)draw(seed, counter, 0, prompt);
    struct extent *extents = &scenario->extents[3 * (size_t)index];
    uint32_t n = 0;
    if (shared) {
        extents[n++] = (struct extent){stream_common(STREAM_SHARED, draw(seed, counter, 0, 2)), 0, shared};
    }
    const bool clone = index > 0 && draw(seed, counter, 0, 3) == 0;
    const uint64_t owner = clone ? draw(seed, counter, 0, index - 1) : index;
    const bool common_output = clone && draw(seed, counter, 0, 1);
    if (prompt > shared) {
        extents[n++] = (struct extent){stream_private(owner, 0), 0, prompt - shared};
    }
    if (output) {
        extents[n++] = (struct extent){stream_private(common_output ? owner : index, 1), 0, output};
    }
    scenario->arrivals[index] = (struct turn_arrival){
        .program = index,
        .turn = 0,
        .slot = index,
        .ready = time,
        .time = time,
        .content = {.extents = extents, .n_extents = n, .n_tokens = prompt + output},
        .prompt_toks = prompt,
        .output_toks = output,
        .shared_output = true,
    };
}

void scenario_init(struct scenario *scenario, uint64_t seed)
{
    uint32_t counter = 0;
    *scenario = (struct scenario){0};
    draw_config(scenario, seed, &counter);
    scenario->n_arrivals = (uint32_t)draw(seed, &counter, 1, 60);
    scenario->arrivals = mem_zalloc(scenario->n_arrivals * sizeof *scenario->arrivals);
    scenario->extents = mem_zalloc(3 * (size_t)scenario->n_arrivals * sizeof *scenario->extents);
    const uint64_t spread = draw(seed, &counter, 0, 3) * 100;
    simtime time = 0;
    for (uint32_t i = 0; i < scenario->n_arrivals; i++) {
        time += (simtime)draw(seed, &counter, 0, spread) * SIMTIME_MS;
        draw_turn(scenario, seed, &counter, i, time);
    }
    /* Only outputs that a later or earlier turn really repeats need to be visible at once. */
    const bool all_shared = draw(seed, &counter, 0, 2) == 0;
    for (uint32_t i = 0; i < scenario->n_arrivals && !all_shared; i++) {
        struct turn_arrival *turn = &scenario->arrivals[i];
        const struct extent last = turn->content.extents[turn->content.n_extents - 1];
        turn->shared_output = false;
        for (uint32_t j = 0; j < scenario->n_arrivals && turn->output_toks; j++) {
            const struct content other = scenario->arrivals[j].content;
            turn->shared_output = turn->shared_output ||
                                  (j != i && other.extents[other.n_extents - 1].stream == last.stream);
        }
    }
}

void scenario_fini(struct scenario *scenario)
{
    mem_free(scenario->arrivals);
    mem_free(scenario->extents);
}

static void collect(struct instance *instance, struct outcome *out)
{
    uint32_t n;
    const struct turn_end *ends = instance_take_ends(instance, &n);
    for (uint32_t i = 0; i < n; i++) {
        out->ends[out->n_ends++] = ends[i];
    }
}

/* Advances to `limit`, collecting ends; the earliest-output bound must hold on the way. */
static void advance(struct instance *instance, struct event_key limit, struct outcome *out)
{
    for (;;) {
        const struct event_key bound = instance_earliest_output(instance);
        const uint32_t before = out->n_ends;
        const bool ended = instance_advance(instance, limit);
        collect(instance, out);
        if (ended) {
            assert_false(out->ends[before].record.last_token < bound.time);
        } else {
            return;
        }
    }
}

void scenario_run(const struct scenario *scenario, struct step_time *step_time, enum engine_stepping stepping,
                  simtime chunk, struct outcome *out)
{
    enum { MAX_SNAPSHOTS = 4096 };
    struct engine_config config = scenario->config;
    config.stepping = stepping;
    struct instance *instance = instance_create(7, &config, step_time);
    *out = (struct outcome){.ends = mem_alloc(scenario->n_arrivals * sizeof *out->ends),
                            .snapshots = mem_alloc(MAX_SNAPSHOTS * sizeof *out->snapshots)};
    uint32_t delivered = 0;
    simtime now = 0;
    while (out->n_ends < scenario->n_arrivals) {
        simtime next = delivered < scenario->n_arrivals ? scenario->arrivals[delivered].time : SIMTIME_NEVER;
        if (chunk && (next == SIMTIME_NEVER || next > now + chunk)) {
            next = now + chunk;
        }
        advance(instance, (struct event_key){.time = next, .phase = PHASE_ROUTING}, out);
        now = next;
        if (chunk && now % config.telemetry_period == 0 && out->n_snapshots < MAX_SNAPSHOTS) {
            out->snapshots[out->n_snapshots++] = instance_snapshot(instance, now);
        }
        while (delivered < scenario->n_arrivals && scenario->arrivals[delivered].time == now) {
            instance_deliver(instance, &scenario->arrivals[delivered++]);
        }
    }
    assert_int_equal(instance_turns_inside(instance), 0);
    assert_int_equal(kv_free(instance_pool(instance)), kv_usable(instance_pool(instance)));
    kv_pool_check(instance_pool(instance));
    out->counters = *instance_counters(instance);
    out->evicted = kv_evicted(instance_pool(instance));
    instance_destroy(instance);
}

void outcome_fini(struct outcome *outcome)
{
    mem_free(outcome->ends);
    mem_free(outcome->snapshots);
}
