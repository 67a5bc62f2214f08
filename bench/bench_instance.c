/* One engine, driven without a cluster around it: steps per second of CPU time.
 *
 * instance_decode_*: B turns decode side by side on ample KV memory from the first token to the last, in one call; what
 * one step costs in each way of stepping. instance_agents_*: programs whose turns add 800 tokens to 50k-100k cached
 * ones and generate 220, so that admissions, prefill chunks, finishes and prefix hits interrupt the decode stretches.
 * items_per_second counts steps, also those taken in closed form.
 */
#include "support/bench.h"
#include "support/data.h"

#include "base/heap.h"
#include "base/mem.h"
#include "hw/device.h"
#include "hw/step_time.h"
#include "instance/instance.h"

enum { BLOCK = 16, PROMPT = 1000, OUTPUT = 20000, MAX_BATCH = 256 };

struct engine {
    struct device device;
    struct model_shape model;
    struct step_time *step_time;
    struct engine_config config;
};

/* False where recorded tables are asked for and absent. */
static bool engine_init(struct engine *engine, bool tables, enum engine_stepping stepping, uint32_t n_blocks)
{
    char folder[DATA_PATH_BYTES];
    if (tables && !data_path("profiles/RTXPRO6000/meta-llama/Llama-3.1-8B/bf16", folder)) {
        return false;
    }
    struct diag diag;
    diag_init(&diag);
    if (device_load(tables ? "rtx-pro-6000" : "h100-sxm", &engine->device, &diag) != ASIM_OK ||
        model_load("llama-3.1-8b", &engine->model, &diag) != ASIM_OK) {
        abort();
    }
    engine->step_time = step_time_create(&(struct step_time_options){.device = &engine->device,
                                                                     .model = &engine->model,
                                                                     .tensor_parallel = 1,
                                                                     .max_num_seqs = MAX_BATCH,
                                                                     .max_num_batched_tokens = 8192,
                                                                     .profile_dir = tables ? folder : NULL},
                                         &diag);
    if (!engine->step_time) {
        abort();
    }
    diag_fini(&diag);
    engine->config = (struct engine_config){.n_blocks = n_blocks,
                                            .block_size = BLOCK,
                                            .max_num_seqs = MAX_BATCH,
                                            .max_num_batched_tokens = 8192,
                                            .max_model_len = 131072,
                                            .queue_depth = 2,
                                            .prefix_caching = true,
                                            .chunked_prefill = true,
                                            .reserve_full_prompt = true,
                                            .host = engine->device.host,
                                            .stepping = stepping,
                                            .telemetry_period = 100 * SIMTIME_MS};
    engine->config.host.max_graph_tokens = 512;
    return true;
}

/* ---- steady decode ---- */

/* All prompts are computed when it returns. */
static struct instance *start_decodes(const struct engine *engine, uint32_t batch, struct extent *extents)
{
    struct instance *instance = instance_create(0, &engine->config, engine->step_time, NULL);
    for (uint32_t i = 0; i < batch; i++) {
        extents[i] = (struct extent){.stream = stream_private(i, 0), .first = 0, .count = PROMPT + OUTPUT};
        instance_deliver(instance, &(struct turn_arrival){.program = i,
                                                          .slot = i,
                                                          .content = {&extents[i], 1, PROMPT + OUTPUT},
                                                          .prompt_toks = PROMPT,
                                                          .output_toks = OUTPUT,
                                                          .lead = SIMTIME_NEVER});
    }
    while (instance_counters(instance)->scheduled_tokens < (uint64_t)batch * PROMPT) {
        instance_advance(instance, (struct event_key){.time = instance_next(instance).time + 1});
    }
    return instance;
}

static void decode(struct bench_state *state, uint32_t batch, bool tables, enum engine_stepping stepping)
{
    struct engine engine;
    struct extent extents[MAX_BATCH];
    if (!engine_init(&engine, tables, stepping, batch * ((PROMPT + OUTPUT) / BLOCK + 2))) {
        bench_skip(state, "no recorded tables");
        return;
    }
    uint64_t steps = 0;
    while (bench_next(state)) {
        bench_pause(state);
        struct instance *instance = start_decodes(&engine, batch, extents);
        const uint64_t before = instance_counters(instance)->steps;
        bench_resume(state);
        instance_advance(instance, EVENT_NEVER);
        bench_pause(state);
        steps = instance_counters(instance)->steps - before;
        instance_destroy(instance);
        bench_resume(state);
    }
    bench_items(state, (int64_t)steps);
    step_time_destroy(engine.step_time);
}

#define DECODE(batch, model, tables, name, stepping)                                                                   \
    static void instance_decode_##batch##_##model##_##name(struct bench_state *state)                                  \
    {                                                                                                                  \
        decode(state, batch, tables, stepping);                                                                        \
    }                                                                                                                  \
    BENCH(instance_decode_##batch##_##model##_##name)

DECODE(1, tile, false, plain, ENGINE_PLAIN)
DECODE(1, tile, false, steady, ENGINE_STEADY)
DECODE(1, tile, false, fast_forward, ENGINE_FAST_FORWARD)
DECODE(64, tile, false, plain, ENGINE_PLAIN)
DECODE(64, tile, false, steady, ENGINE_STEADY)
DECODE(64, tile, false, fast_forward, ENGINE_FAST_FORWARD)
DECODE(256, tile, false, plain, ENGINE_PLAIN)
DECODE(256, tile, false, steady, ENGINE_STEADY)
DECODE(256, tile, false, fast_forward, ENGINE_FAST_FORWARD)
DECODE(1, tables, true, steady, ENGINE_STEADY)
DECODE(64, tables, true, plain, ENGINE_PLAIN)
DECODE(64, tables, true, steady, ENGINE_STEADY)
DECODE(64, tables, true, fast_forward, ENGINE_FAST_FORWARD)
DECODE(256, tables, true, steady, ENGINE_STEADY)

/* ---- agents ---- */

enum {
    AGENTS = 32,
    FIRST_CONTEXT = 50000,
    LAST_CONTEXT = 100000,
    NEW_TOKENS = 800,
    OUTPUT_TOKENS = 220,
    TURNS = 2000, /* of all agents, in one iteration */
};
#define GAP (2 * SIMTIME_S)

struct agent {
    struct extent context;
    uint32_t generation; /* programs it was so far */
    uint32_t turn;
};

struct fleet {
    struct instance *instance;
    struct agent agents[AGENTS];
    struct heap ready; /* time of the next turn; tie: agent */
};

static void send(struct fleet *fleet, uint32_t index, simtime time)
{
    struct agent *agent = &fleet->agents[index];
    if (agent->context.count + NEW_TOKENS + OUTPUT_TOKENS > LAST_CONTEXT || !agent->context.count) {
        const uint64_t program = (uint64_t)agent->generation++ * AGENTS + index;
        const uint32_t first =
            agent->generation == 1 ? FIRST_CONTEXT + index * (LAST_CONTEXT - FIRST_CONTEXT) / AGENTS : FIRST_CONTEXT;
        agent->context = (struct extent){.stream = stream_private(program, 0), .first = 0, .count = first};
        agent->turn = 0;
    }
    const uint32_t prompt = agent->context.count + NEW_TOKENS;
    agent->context.count = prompt + OUTPUT_TOKENS;
    instance_deliver(fleet->instance, &(struct turn_arrival){.program = (uint64_t)agent->generation * AGENTS + index,
                                                             .turn = agent->turn++,
                                                             .slot = index,
                                                             .ready = time,
                                                             .time = time,
                                                             .content = {&agent->context, 1, agent->context.count},
                                                             .prompt_toks = prompt,
                                                             .output_toks = OUTPUT_TOKENS});
}

/* The next event of agents and engine; returns the turns that ended. */
static uint32_t fleet_step(struct fleet *fleet)
{
    const struct heap_entry *next = heap_top(&fleet->ready);
    const struct event_key limit = next ? (struct event_key){.time = next->key, .phase = PHASE_ROUTING} : EVENT_NEVER;
    if (!instance_advance(fleet->instance, limit)) {
        const struct heap_entry entry = heap_pop(&fleet->ready);
        send(fleet, (uint32_t)entry.tie, entry.key);
        return 0;
    }
    uint32_t n;
    const struct turn_end *ends = instance_take_ends(fleet->instance, &n);
    for (uint32_t i = 0; i < n; i++) {
        heap_push(&fleet->ready, (struct heap_entry){.key = ends[i].record.last_token + GAP, .tie = ends[i].slot});
    }
    return n;
}

static void agents(struct bench_state *state, enum engine_stepping stepping)
{
    struct engine engine;
    if (!engine_init(&engine, false, stepping, AGENTS * (LAST_CONTEXT / BLOCK + 1))) {
        return;
    }
    uint64_t steps = 0;
    uint64_t n_turns = 0;
    uint64_t taken = 0;
    while (bench_next(state)) {
        bench_pause(state);
        struct fleet fleet = {.instance = instance_create(0, &engine.config, engine.step_time, NULL)};
        heap_init(&fleet.ready);
        for (uint32_t i = 0; i < AGENTS; i++) {
            heap_push(&fleet.ready, (struct heap_entry){.key = i * SIMTIME_S / 10, .tie = i});
        }
        bench_resume(state);
        for (taken = 0; taken < TURNS;) {
            taken += fleet_step(&fleet);
        }
        bench_pause(state);
        const uint64_t now = instance_counters(fleet.instance)->steps;
        steps += now;
        n_turns += taken;
        heap_fini(&fleet.ready);
        instance_destroy(fleet.instance);
        bench_resume(state);
    }
    bench_rate(state, "turns_per_second", (double)n_turns);
    bench_counter(state, "steps_per_turn", (double)steps / (double)n_turns);
    bench_rate(state, "steps_per_second", (double)steps);
    step_time_destroy(engine.step_time);
}

static void instance_agents_plain(struct bench_state *state)
{
    agents(state, ENGINE_PLAIN);
}
BENCH(instance_agents_plain)

static void instance_agents_steady(struct bench_state *state)
{
    agents(state, ENGINE_STEADY);
}
BENCH(instance_agents_steady)

static void instance_agents_fast_forward(struct bench_state *state)
{
    agents(state, ENGINE_FAST_FORWARD);
}
BENCH(instance_agents_fast_forward)
