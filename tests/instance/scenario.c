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

struct engine_config scenario_small_engine(void)
{
    return (struct engine_config){.n_blocks = 31,
                                  .block_size = 16,
                                  .max_num_seqs = 8,
                                  .max_num_batched_tokens = 512,
                                  .max_model_len = 480,
                                  .queue_depth = 1,
                                  .prefix_caching = true,
                                  .chunked_prefill = true,
                                  .reserve_full_prompt = true,
                                  .host = {.max_graph_tokens = 512},
                                  .telemetry_period = SIMTIME_S};
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
        .host = {.hideable = (simtime)draw(seed, counter, 0, 4) * 3 * SIMTIME_MS,
                 .exposed = (simtime)draw(seed, counter, 0, 1) * SIMTIME_MS,
                 .exposed_ungraphed = 2 * SIMTIME_MS,
                 .max_graph_tokens = 64},
        .telemetry_period = (simtime)draw(seed, counter, 1, 50) * 10 * SIMTIME_MS,
    };
    if (draw(seed, counter, 0, 5) == 0) {
        config->chunked_prefill = false;
        config->max_num_batched_tokens = config->max_model_len; /* the least that an uncut prompt needs */
    }
    const uint32_t least = (config->max_model_len + config->block_size - 1) / config->block_size + 1;
    config->n_blocks = least + (uint32_t)draw(seed, counter, 0, 3 * least);
    config->watermark_blocks = draw(seed, counter, 0, 3) ? 0 : least / 16;
}

/* What turn `index` starts with: a shared system prompt and the private tokens of a turn, perhaps of an earlier one;
 * or part of the context of an earlier turn, output included, and something new. */
static void draw_prompt(struct scenario *scenario, uint64_t seed, uint32_t *counter, uint32_t index, uint32_t prompt)
{
    struct extent_list *list = &scenario->contents[index];
    const uint64_t earlier = index ? draw(seed, counter, 0, index - 1) : 0;
    const uint64_t kind = index && scenario->has_common ? draw(seed, counter, 0, 7) : 0;
    enum { OWN = 3, SAME_PROMPT = 4, SAME_BEGIN = 5 }; /* kinds up to these, and continuations above */
    if (kind <= OWN || kind == SAME_BEGIN) {
        const uint32_t shared = (uint32_t)draw(seed, counter, 0, prompt);
        const uint64_t owner = kind <= OWN ? index : earlier;
        extent_list_append(list, (struct extent){stream_common(STREAM_SHARED, draw(seed, counter, 0, 2)), 0, shared});
        extent_list_append(list, (struct extent){stream_private(owner, 0), 0, prompt - shared});
        return;
    }
    const struct content old = extent_list_content(&scenario->contents[earlier]);
    for (uint32_t i = 0; i < old.n_extents; i++) {
        extent_list_append(list, old.extents[i]);
    }
    if (kind == SAME_PROMPT) {
        extent_list_cut(list, scenario->arrivals[earlier].prompt_toks);
    }
    extent_list_cut(list, prompt < list->n_tokens ? prompt : list->n_tokens);
    if (kind != SAME_PROMPT && list->n_tokens < prompt) {
        const uint32_t fresh = (uint32_t)draw(seed, counter, 0, prompt - list->n_tokens);
        extent_list_append(list, (struct extent){stream_private(index, 0), 0, fresh});
    }
}

/* From a turn's end to its effect: none, at once, or some time. */
static simtime draw_lead(uint64_t seed, uint32_t index)
{
    const uint64_t dice = rng_u64((struct rng_key){.seed = seed, .program = 1}, index);
    return dice % 4 == 0 ? SIMTIME_NEVER : dice % 4 == 1 ? 0 : (simtime)(dice >> 8) % (2 * SIMTIME_S);
}

static void draw_turn(struct scenario *scenario, uint64_t seed, uint32_t *counter, uint32_t index, simtime time)
{
    const uint32_t longest = scenario->config.max_model_len;
    const uint32_t length = (uint32_t)draw(seed, counter, 1, draw(seed, counter, 0, 2) ? longest / 4 : longest - 1);
    const uint32_t output =
        draw(seed, counter, 0, 7) ? (uint32_t)draw(seed, counter, 1, longest / 2) : (uint32_t)draw(seed, counter, 0, 1);
    struct extent_list *list = &scenario->contents[index];
    draw_prompt(scenario, seed, counter, index, length);
    const uint32_t prompt = list->n_tokens;
    /* Some turns say the same as an earlier one, as far as both go. */
    const bool repeats = index && scenario->has_common && draw(seed, counter, 0, 3) == 0;
    const uint64_t speaker = repeats ? draw(seed, counter, 0, index - 1) : index;
    scenario->speakers[index] = speaker;
    extent_list_append(list, (struct extent){stream_private(speaker, 1), 0, output});
    scenario->arrivals[index] = (struct turn_arrival){
        .program = index,
        .slot = index,
        .ready = time,
        .time = time,
        .content = extent_list_content(list),
        .prompt_toks = prompt,
        .output_toks = output,
        .shared_output = true,
        .lead = draw_lead(seed, index),
    };
}

/* Whether another turn holds tokens of the output of `turn`. */
static bool output_is_shared(const struct scenario *scenario, uint32_t turn)
{
    const uint64_t stream = stream_private(scenario->speakers[turn], 1);
    for (uint32_t i = 0; i < scenario->n_arrivals; i++) {
        const struct content other = scenario->arrivals[i].content;
        for (uint32_t j = 0; j < other.n_extents && i != turn; j++) {
            if (other.extents[j].stream == stream) {
                return true;
            }
        }
    }
    return false;
}

void scenario_init(struct scenario *scenario, uint64_t seed)
{
    uint32_t counter = 0;
    *scenario = (struct scenario){0};
    draw_config(scenario, seed, &counter);
    scenario->n_arrivals = (uint32_t)draw(seed, &counter, 1, 60);
    scenario->arrivals = mem_zalloc(scenario->n_arrivals * sizeof *scenario->arrivals);
    scenario->contents = mem_zalloc(scenario->n_arrivals * sizeof *scenario->contents);
    scenario->speakers = mem_zalloc(scenario->n_arrivals * sizeof *scenario->speakers);
    scenario->has_common = draw(seed, &counter, 0, 1);
    const uint64_t spread = draw(seed, &counter, 0, 3) * 100;
    simtime time = 0;
    for (uint32_t i = 0; i < scenario->n_arrivals; i++) {
        time += (simtime)draw(seed, &counter, 0, spread) * SIMTIME_MS;
        extent_list_init(&scenario->contents[i]);
        draw_turn(scenario, seed, &counter, i, time);
    }
    /* Only outputs that another turn repeats need to be visible at once. */
    const bool all_shared = draw(seed, &counter, 0, 3) == 0;
    for (uint32_t i = 0; i < scenario->n_arrivals && !all_shared; i++) {
        scenario->arrivals[i].shared_output = output_is_shared(scenario, i);
    }
    if (draw(seed, &counter, 0, 1)) {
        scenario->gaps_from = scenario->arrivals[draw(seed, &counter, 0, scenario->n_arrivals - 1)].time +
                              (simtime)draw(seed, &counter, 0, (uint64_t)SIMTIME_S);
    }
}

void scenario_fini(struct scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->n_arrivals; i++) {
        extent_list_fini(&scenario->contents[i]);
    }
    mem_free(scenario->contents);
    mem_free(scenario->speakers);
    mem_free(scenario->arrivals);
}

/* How many effects there would be before a time, by those that were inside; and how many there were. */
struct forecast {
    simtime before;
    uint32_t most, n;
    bool *of; /* by turn */
};

/* A run in progress, and the highest bound of effects that was given while each turn was inside. */
struct run {
    const struct scenario *scenario;
    struct instance *instance;
    struct outcome *out;
    simtime *bounds; /* by turn */
    bool *inside;
    struct forecast forecast;
};

/* Once the time of the last one has come. */
static void ask_forecast(struct run *run, simtime bound)
{
    struct forecast *forecast = &run->forecast;
    if (bound < forecast->before || bound == SIMTIME_NEVER) {
        return;
    }
    forecast->before = bound + run->scenario->config.telemetry_period * (run->out->n_ends % 8);
    forecast->most = instance_effects_before(run->instance, forecast->before);
    forecast->n = 0;
    memcpy(forecast->of, run->inside, run->scenario->n_arrivals * sizeof *forecast->of);
}

static void ask_bound(struct run *run)
{
    const simtime bound = instance_earliest_effect(run->instance);
    ask_forecast(run, bound);
    for (uint32_t i = 0; i < run->scenario->n_arrivals; i++) {
        run->bounds[i] = run->inside[i] && bound > run->bounds[i] ? bound : run->bounds[i];
    }
}

static void deliver(struct run *run, uint32_t turn)
{
    instance_deliver(run->instance, &run->scenario->arrivals[turn]);
    run->inside[turn] = true;
    ask_bound(run);
}

/* No bound may have been above the end of a turn and its lead. */
static void collect(struct run *run)
{
    uint32_t n;
    const struct turn_end *ends = instance_take_ends(run->instance, &n);
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t turn = ends[i].slot;
        const simtime lead = run->scenario->arrivals[turn].lead;
        assert_true(lead == SIMTIME_NEVER || run->bounds[turn] <= ends[i].record.last_token + lead);
        run->forecast.n +=
            run->forecast.of[turn] && lead != SIMTIME_NEVER && ends[i].record.last_token + lead < run->forecast.before;
        assert_true(run->forecast.n <= run->forecast.most);
        run->inside[turn] = run->forecast.of[turn] = false;
        run->out->ends[run->out->n_ends++] = ends[i];
    }
    ask_bound(run);
}

/* Advances to `limit`, collecting ends; the earliest-output bound must hold on the way. */
static void advance(struct run *run, struct event_key limit)
{
    for (;;) {
        const struct event_key bound = instance_earliest_output(run->instance);
        const uint32_t before = run->out->n_ends;
        const bool ended = instance_advance(run->instance, limit);
        collect(run);
        if (ended) {
            assert_false(run->out->ends[before].record.last_token < bound.time);
        } else {
            assert_true(instance_earliest_effect(run->instance) >= limit.time); /* it has come so far */
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
    struct instance *instance = instance_create(SCENARIO_INSTANCE, &config, step_time, NULL);
    struct series gaps;
    series_init(&gaps, 0);
    instance_note_gaps(instance, &gaps, scenario->gaps_from);
    *out = (struct outcome){.ends = mem_alloc(scenario->n_arrivals * sizeof *out->ends),
                            .snapshots = mem_alloc(MAX_SNAPSHOTS * sizeof *out->snapshots),
                            .instants = mem_alloc(MAX_SNAPSHOTS * sizeof *out->instants)};
    struct run run = {.scenario = scenario,
                      .instance = instance,
                      .out = out,
                      .bounds = mem_zalloc(scenario->n_arrivals * sizeof *run.bounds),
                      .inside = mem_zalloc(scenario->n_arrivals * sizeof *run.inside),
                      .forecast.of = mem_zalloc(scenario->n_arrivals * sizeof *run.forecast.of)};
    uint32_t delivered = 0;
    simtime now = 0;
    while (out->n_ends < scenario->n_arrivals) {
        simtime next = delivered < scenario->n_arrivals ? scenario->arrivals[delivered].time : SIMTIME_NEVER;
        const simtime boundary = chunk ? (now / chunk + 1) * chunk : SIMTIME_NEVER;
        if (boundary < next) {
            next = boundary;
        }
        advance(&run, (struct event_key){.time = next, .phase = PHASE_ROUTING});
        now = next;
        if (chunk && now % config.telemetry_period == 0 && out->n_snapshots < MAX_SNAPSHOTS) {
            out->instants[out->n_snapshots] = now;
            out->snapshots[out->n_snapshots++] = instance_snapshot(instance, now);
        }
        while (delivered < scenario->n_arrivals && scenario->arrivals[delivered].time == now) {
            deliver(&run, delivered++);
        }
    }
    assert_int_equal(instance_earliest_effect(instance), SIMTIME_NEVER);
    mem_free(run.bounds);
    mem_free(run.inside);
    mem_free(run.forecast.of);
    assert_int_equal(instance_turns_inside(instance), 0);
    assert_int_equal(kv_free(instance_pool(instance)), kv_usable(instance_pool(instance)));
    kv_pool_check(instance_pool(instance));
    out->counters = *instance_counters(instance);
    out->gaps = gaps_seen(&gaps);
    series_fini(&gaps);
    out->evicted = kv_evicted(instance_pool(instance));
    instance_destroy(instance);
}

void outcome_fini(struct outcome *outcome)
{
    mem_free(outcome->ends);
    mem_free(outcome->snapshots);
    mem_free(outcome->instants);
}
