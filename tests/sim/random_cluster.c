#include "sim/random_cluster.h"

#include "support/support.h"

#include "api/config.h"
#include "base/mem.h"
#include "base/rng.h"
#include "instance/residency/residency_counters.h"
#include "kv/pool.h"
#include "router/router_internal.h"
#include "sim/run_serial.h"
#include "sim/run_windows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct dice {
    uint64_t seed;
    uint32_t rolled;
};

static uint64_t draw(struct dice *dice, uint64_t low, uint64_t high)
{
    return low + rng_u64((struct rng_key){.seed = dice->seed, .program = 7}, dice->rolled++) % (high - low + 1);
}

void random_cluster_set(struct random_cluster *cluster, const char *path, const char *value)
{
    size_t i = 0;
    while (i < cluster->n_options && strcmp(cluster->options[i].path, path) != 0) {
        i++;
    }
    assert_true(i < MOST_OPTIONS);
    cluster->n_options += i == cluster->n_options;
    cluster->options[i].path = path;
    snprintf(cluster->options[i].value, sizeof cluster->options[i].value, "%s", value);
}

void random_cluster_unset(struct random_cluster *cluster, const char *path)
{
    for (size_t i = 0; i < cluster->n_options; i++) {
        if (strcmp(cluster->options[i].path, path) == 0) {
            cluster->options[i] = cluster->options[--cluster->n_options];
            return;
        }
    }
}

static void set_number(struct random_cluster *cluster, const char *path, uint64_t value, const char *unit)
{
    char text[64];
    snprintf(text, sizeof text, "%" PRIu64 "%s", value, unit);
    random_cluster_set(cluster, path, text);
}

const char *random_cluster_get(const struct random_cluster *cluster, const char *path)
{
    for (size_t i = 0; i < cluster->n_options; i++) {
        if (strcmp(cluster->options[i].path, path) == 0) {
            return cluster->options[i].value;
        }
    }
    return NULL;
}

static void write_program(FILE *file, struct dice *dice, uint64_t id, uint64_t longest)
{
    const uint64_t n_turns = draw(dice, 1, 6);
    fprintf(file, "{\"session_id\":\"p%" PRIu64 "\",\"arrival_time_ns\":%" PRIu64 ",\"sub_requests\":[", id,
            draw(dice, 0, 3) * draw(dice, 0, 900000000));
    uint64_t context = 0;
    for (uint64_t turn = 0; turn < n_turns; turn++) {
        const uint64_t kept = draw(dice, 0, 5) ? context : draw(dice, 0, context);
        uint64_t prompt = kept + draw(dice, 1, 300);
        prompt = draw(dice, 0, 60) ? (prompt < longest ? prompt : longest) : longest + draw(dice, 1, 50);
        const uint64_t output = draw(dice, 0, 12) ? draw(dice, 1, 60) : draw(dice, 0, 1);
        fprintf(file,
                "%s{\"input_toks\":%" PRIu64 ",\"output_toks\":%" PRIu64 ",\"prefix_toks\":%" PRIu64
                ",\"gap_ns\":%" PRIu64 ",\"tool\":\"%s\"}",
                turn ? "," : "", prompt, output, kept < prompt ? kept : prompt,
                draw(dice, 0, 2) ? draw(dice, 0, 400000000) : 0, draw(dice, 0, 1) ? "edit" : "bash");
        context = prompt;
    }
    fprintf(file, "]}\n");
}

/* Nodes in any order, and edges from earlier to later ones of another. */
static void write_graph(FILE *file, struct dice *dice, uint64_t id, uint64_t longest)
{
    enum { MOST_NODES = 12 };
    const uint64_t n = draw(dice, 1, MOST_NODES);
    const uint64_t density = draw(dice, 1, 6);
    const bool has_ids = draw(dice, 0, 4) == 0;
    uint64_t name[MOST_NODES];
    fprintf(file, "{\"workflow_id\":%" PRIu64 ",\"arrival_time_ns\":%" PRIu64 ",\"nodes\":[", id,
            draw(dice, 0, 3) * draw(dice, 0, 900000000));
    for (uint64_t i = 0; i < n; i++) {
        const uint64_t other = draw(dice, 0, i);
        name[i] = name[other];
        name[other] = i;
    }
    for (uint64_t i = 0; i < n; i++) {
        const uint64_t prompt = draw(dice, 0, 60) ? draw(dice, 1, longest) : longest + draw(dice, 1, 50);
        fprintf(file,
                "%s{\"node_id\":%" PRIu64 ",\"input_toks\":%" PRIu64 ",\"output_toks\":%" PRIu64 ",\"tool\":\"%s\"",
                i ? "," : "", i, prompt, draw(dice, 0, 12) ? draw(dice, 1, 60) : draw(dice, 0, 1),
                draw(dice, 0, 1) ? "edit" : "bash");
        for (uint64_t k = 0; has_ids && k < prompt; k++) {
            fprintf(file, "%s%d", k ? "," : ",\"input_tok_ids\":[", draw(dice, 0, 99) == 0);
        }
        fprintf(file, has_ids ? "]}" : "}");
    }
    fprintf(file, "],\"edges\":[");
    bool any = false;
    for (uint64_t to = 1; to < n; to++) {
        for (uint64_t from = 0; from < to; from++) {
            if (draw(dice, 0, 9) < density) {
                fprintf(file, "%s{\"src\":%" PRIu64 ",\"dst\":%" PRIu64 ",\"delay_ns\":%" PRIu64 "}", any ? "," : "",
                        name[from], name[to], draw(dice, 0, 2) ? draw(dice, 0, 400000000) : 0);
                any = true;
            }
        }
    }
    fprintf(file, "]}\n");
}

static FILE *open_workload(const char *path)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    return file;
}

/* Both tools exist, whatever was drawn. */
static void write_last(FILE *file)
{
    fprintf(file,
            "{\"session_id\":\"last\",\"arrival_time_ns\":5,\"sub_requests\":[{\"input_toks\":9,\"output_toks\":1,"
            "\"prefix_toks\":0,\"gap_ns\":0,\"tool\":\"bash\"},{\"input_toks\":19,\"output_toks\":1,"
            "\"prefix_toks\":9,\"gap_ns\":0,\"tool\":\"edit\"}]}\n");
    fclose(file);
}

void random_cluster_use_graphs(struct random_cluster *cluster, uint64_t seed)
{
    struct dice dice = {.seed = seed, .rolled = 1 << 20};
    FILE *file = open_workload(random_cluster_get(cluster, "workload"));
    const uint64_t longest = strtoull(random_cluster_get(cluster, "max_model_len"), NULL, 10) - 61;
    const uint64_t n_programs = draw(&dice, 1, 25);
    for (uint64_t id = 0; id < n_programs; id++) {
        if (draw(&dice, 0, 3)) {
            write_graph(file, &dice, id, longest);
        } else {
            write_program(file, &dice, id, longest);
        }
    }
    write_last(file);
}

static void draw_engine(struct random_cluster *cluster, struct dice *dice, uint64_t longest)
{
    static const char *const engines[] = {"vllm-0.10.2", "vllm-0.15.1", "vllm-0.19"};
    const uint64_t block_size = UINT64_C(8) << draw(dice, 0, 2);
    set_number(cluster, "block_size", block_size, "");
    set_number(cluster, "max_model_len", longest, "");
    const uint64_t least = longest / block_size + 2;
    set_number(cluster, "num_gpu_blocks_override", least + draw(dice, 0, 2 * least), "");
    set_number(cluster, "max_num_seqs", draw(dice, 1, 24), "");
    set_number(cluster, "max_num_batched_tokens", UINT64_C(64) << draw(dice, 0, 5), "");
    set_number(cluster, "long_prefill_token_threshold", draw(dice, 0, 3) ? 0 : draw(dice, 16, 100), "");
    random_cluster_set(cluster, "engine", engines[draw(dice, 0, 2)]);
    random_cluster_set(cluster, "enable_prefix_caching", draw(dice, 0, 5) ? "on" : "off");
    random_cluster_set(cluster, "watermark", draw(dice, 0, 3) ? "0" : "0.05");
    set_number(cluster, "host.hideable", draw(dice, 0, 2) * 2, "ms");
}

static void draw_ring(struct random_cluster *cluster, struct dice *dice)
{
    static const char *const routings[] = {"round-robin",  "least-loaded", "session-affinity", "session-affinity",
                                           "power-of-two", "dynamo-kv",    "preble",           "autellix-router"};
    set_number(cluster, "instances", draw(dice, 1, 7), "");
    random_cluster_set(cluster, "routing", routings[draw(dice, 0, 7)]);
    set_number(cluster, "router.telemetry_period", draw(dice, 1, 40) * 5, "ms");
    random_cluster_set(cluster, "router.pressure_limit", draw(dice, 0, 1) ? "0.9" : "0.4");
    set_number(cluster, "dispatch_latency", draw(dice, 0, 1) * draw(dice, 0, 30), "ms");
    random_cluster_set(cluster, "on_long_prompt", draw(dice, 0, 1) ? "drop-program" : "truncate");
    random_cluster_set(cluster, "reuse_generated", draw(dice, 0, 4) ? "on" : "off");
    switch (draw(dice, 0, 3)) {
    case 0:
        random_cluster_set(cluster, "arrivals", "zero");
        break;
    case 1:
        set_number(cluster, "request_rate", draw(dice, 1, 60), "/s");
        break;
    case 2:
        set_number(cluster, "max_concurrency", draw(dice, 1, 12), "");
        set_number(cluster, "client_setup", draw(dice, 0, 2) * 100, "ms");
        break;
    default:
        random_cluster_set(cluster, "arrivals", "recorded");
    }
    static const char *const gaps[] = {"trace", "trace", "0s", "exponential(mean=200ms)",
                                       "bash=lognormal(median=0.1s, p99=2s)"};
    random_cluster_set(cluster, "tool_gap", gaps[draw(dice, 0, 4)]);
}

void random_cluster_init(struct random_cluster *cluster, uint64_t seed)
{
    struct dice dice = {.seed = seed};
    *cluster = (struct random_cluster){0};
    char path[160];
    const int length =
        snprintf(path, sizeof path, "%s/random_%" PRIu64 "_%ld.jsonl", ASIM_BINARY_FOLDER, seed, (long)getpid());
    assert_true(length > 0 && (size_t)length < sizeof path);
    FILE *file = open_workload(path);
    const uint64_t longest = draw(&dice, 300, 900);
    const uint64_t n_programs = draw(&dice, 1, 40);
    for (uint64_t id = 0; id < n_programs; id++) {
        write_program(file, &dice, id, longest - 61);
    }
    write_last(file);
    random_cluster_set(cluster, "workload", path);
    set_number(cluster, "seed", seed, "");
    random_cluster_set(cluster, "turns_csv", "on");
    draw_engine(cluster, &dice, longest);
    draw_ring(cluster, &dice);
    /* Prompts longer than the limit: a smaller limit than the file was made for. */
    if (draw(&dice, 0, 4) == 0) {
        set_number(cluster, "max_model_len", longest - 61, "");
    }
    if (draw(&dice, 0, 3) == 0) {
        set_number(cluster, "warmup", draw(&dice, 1, 3000), "ms");
    }
}

void random_cluster_fini(struct random_cluster *cluster)
{
    const char *workload = random_cluster_get(cluster, "workload");
    if (workload) {
        unlink(workload);
    }
}

asim_config *random_cluster_config(const struct random_cluster *cluster)
{
    asim_config *config = asim_config_create();
    for (size_t i = 0; i < cluster->n_options; i++) {
        if (asim_config_set(config, cluster->options[i].path, cluster->options[i].value) != ASIM_OK) {
            fail_msg("%s = %s", cluster->options[i].path, cluster->options[i].value);
        }
    }
    if (asim_config_resolve(config) != ASIM_OK) {
        fail_msg("%s", asim_config_message(config, 0, NULL));
    }
    return config;
}

/* When a turn of a graph is released: after all its parents. */
static simtime released(const struct cluster *cluster, const struct program *program, const struct turn_record *turns,
                        uint32_t turn, simtime arrival)
{
    const struct program_graph *graph = program->graph;
    simtime ready = arrival;
    for (uint32_t at = graph->first_parent[turn]; at < graph->first_parent[turn + 1]; at++) {
        const struct program_edge *parent = &graph->parents[at];
        const simtime end =
            turns[parent->turn].last_token + tool_edge_gap(cluster->tool, program, parent->turn, parent->delay);
        ready = end > ready ? end : ready;
    }
    return ready;
}

/* The turns of one program that was served: whole, in order, and as the workload says. */
static void check_program(const struct cluster *cluster, const struct program *program, const struct turn_record *turns)
{
    const uint32_t max_model_len = cluster->plan.engine.max_model_len;
    simtime ready = turns[0].ready;
    const simtime arrival = ready;
    for (uint32_t i = 0; i < program->n_turns; i++) {
        const struct turn_record *turn = &turns[i];
        const struct turn *spec = &program->turns[i];
        const uint32_t most = max_model_len - (spec->output_toks > 0);
        const uint32_t prompt = spec->prompt_toks < most ? spec->prompt_toks : most;
        const uint32_t room = max_model_len - prompt;
        assert_int_equal(turn->turn, i);
        assert_int_equal(turn->prompt_toks, prompt);
        assert_int_equal(turn->output_toks, spec->output_toks < room ? spec->output_toks : room);
        assert_int_equal(turn->length_limited, spec->output_toks > room);
        assert_true(turn->instance < cluster->plan.n_instances);
        assert_true(turn->hit_toks < turn->prompt_toks);
        assert_int_equal(turn->hit_toks % cluster->plan.engine.block_size, 0);
        ready = program->graph ? released(cluster, program, turns, i, arrival) : ready;
        assert_int_equal(turn->ready, ready);
        const simtime arrival_at_once = ready + cluster->settings.dispatch_latency;
        assert_true(turn->arrived == arrival_at_once ||
                    (router_gateway(cluster->router) && turn->arrived > arrival_at_once)); /* held or moved */
        assert_true(turn->first_scheduled >= turn->arrived && turn->first_token > turn->first_scheduled);
        assert_true(turn->last_token >= turn->first_token);
        assert_true((turn->last_token == turn->first_token) == (turn->output_toks <= 1));
        assert_true(turn->requeue_wait >= 0 && (turn->preemptions > 0 || turn->requeue_wait == 0));
        ready = turn->last_token + tool_gap(cluster->tool, program, i);
    }
}

/* The row of a program sums up its turns. */
static void check_row(const struct cluster *cluster, const struct program *program, const struct turn_record *turns,
                      const struct program_row *row)
{
    struct program_sums sums = {0};
    simtime end = 0;
    simtime gaps = 0;
    for (uint32_t i = 0; i < program->n_turns; i++) {
        sums.prompt_toks += turns[i].prompt_toks;
        sums.generated_toks += turns[i].output_toks;
        sums.hit_toks += turns[i].hit_toks;
        sums.preemptions += turns[i].preemptions;
        end = turns[i].last_token > end ? turns[i].last_token : end;
        gaps += program_is_sink(program, i) ? 0 : tool_gap(cluster->tool, program, i);
    }
    assert_int_equal(row->record.program, program->id);
    assert_int_equal(row->record.arrival, turns[0].ready);
    assert_int_equal(row->record.end, end);
    assert_int_equal(row->sums.turns, program->n_turns);
    assert_int_equal(row->sums.prompt_toks, sums.prompt_toks);
    assert_int_equal(row->sums.generated_toks, sums.generated_toks);
    assert_int_equal(row->sums.hit_toks, sums.hit_toks);
    assert_int_equal(row->sums.preemptions, sums.preemptions);
    assert_int_equal(row->sums.ttft_first, turns[0].first_token - turns[0].ready);
    if (!program->graph) {
        assert_int_equal(row->record.tool_time, gaps);
    }
    assert_true(row->record.tool_time >= 0 && row->record.tool_time < end - row->record.arrival);
}

static void count_graph(const struct program *program, struct cluster_coverage *coverage)
{
    const struct program_graph *graph = program->graph;
    coverage->graphs += graph != NULL;
    coverage->first_turns += graph ? graph->n_roots : 1;
    for (uint32_t turn = 0; graph && turn < program->n_turns; turn++) {
        coverage->joins += graph->first_parent[turn + 1] - graph->first_parent[turn] > 1;
    }
}

/* Every program that was not dropped is there with all of its turns, and nothing else is. */
static void check_history(struct cluster *cluster, struct cluster_coverage *coverage)
{
    const uint64_t completed = cluster_programs_done(cluster);
    const uint64_t dropped = cluster->programs.dropped;
    const uint64_t n_programs = workload_stats(cluster->workload)->n_programs;
    uint64_t n_turns;
    uint64_t n_rows;
    const struct turn_record *turns = recorder_turns(cluster->recorders[0], &n_turns);
    const struct program_row *rows = recorder_programs(cluster->recorders[0], &n_rows);
    assert_int_equal(completed + dropped, n_programs);
    assert_int_equal(cluster_in_progress(cluster), 0);
    assert_int_equal(n_rows, completed);
    uint64_t at = 0;
    uint64_t served = 0;
    for (uint64_t id = 0; id < n_programs; id++) {
        const struct program *program = workload_fetch(cluster->workload, id, 0);
        if (at < n_turns && turns[at].program == id) {
            assert_true(at + program->n_turns <= n_turns && turns[at + program->n_turns - 1].program == id);
            check_program(cluster, program, &turns[at]);
            check_row(cluster, program, &turns[at], &rows[served]);
            at += program->n_turns;
            served++;
            count_graph(program, coverage);
        }
        workload_release(cluster->workload, program, 0);
    }
    assert_int_equal(at, n_turns);
    assert_int_equal(served, completed);
    coverage->programs += served;
    coverage->turns += n_turns;
    coverage->dropped += dropped;
    coverage->truncated += cluster->programs.truncated;
    for (uint64_t i = 0; i < n_turns; i++) {
        coverage->length_limited += turns[i].length_limited;
        coverage->hits += turns[i].hit_toks > 0;
    }
}

/* The engines are empty, and computed what the records say. */
static void check_engines(struct cluster *cluster, struct cluster_coverage *coverage)
{
    uint64_t n_turns;
    const struct turn_record *turns = recorder_turns(cluster->recorders[0], &n_turns);
    uint64_t needed = 0;
    uint64_t preemptions = 0;
    for (uint64_t i = 0; i < n_turns; i++) {
        const uint32_t output = turns[i].output_toks;
        needed += turns[i].prompt_toks + (output ? output - 1 : 0) - turns[i].hit_toks + turns[i].recomputed_toks;
        preemptions += turns[i].preemptions;
    }
    uint64_t scheduled = 0;
    uint64_t preempted = 0;
    for (uint32_t i = 0; i < cluster->plan.n_instances; i++) {
        const struct instance *instance = cluster->instances[i];
        const struct kv_pool *pool = instance_pool(instance);
        instance_check(instance);
        kv_pool_check(pool);
        assert_int_equal(kv_free(pool), kv_usable(pool));
        assert_int_equal(instance_turns_inside(instance), 0);
        assert_true(instance_counters(instance)->peak_used_blocks <= kv_usable(pool));
        scheduled += instance_counters(instance)->scheduled_tokens;
        preempted += instance_counters(instance)->preemptions;
        coverage->idle_instances += instance_counters(instance)->steps == 0;
    }
    assert_int_equal(preempted, preemptions);
    /* A resumed turn may hit more than it lost, where others computed the same: then less is computed. */
    assert_true(preemptions ? scheduled <= needed : scheduled == needed);
    coverage->preemptions += preempted;
}

/* What policies and tiers did, but how often a policy was asked whether a turn may start. */
static void check_decisions(struct cluster *cluster, struct cluster_coverage *coverage)
{
    coverage->decisions = (struct digest){0};
    for (uint32_t i = 0; i < cluster->plan.n_instances; i++) {
        const struct residency_counters *counters = instance_residency_counters(cluster->instances[i]);
        if (!counters) {
            continue;
        }
        struct residency_counters heeded = *counters;
        heeded.refused = i; /* in its place, whose they are */
        digest_add(&coverage->decisions, &heeded, sizeof heeded);
        coverage->retained += counters->pins_returned + counters->holds_returned;
        coverage->pins_forced += counters->pins_forced;
        coverage->stores += counters->moved[TRANSFER_STORE].transfers;
        coverage->loads += counters->moved[TRANSFER_LOAD].transfers;
        coverage->prefetches += counters->moved[TRANSFER_PREFETCH].transfers;
        coverage->raises += counters->moved[TRANSFER_RAISE].transfers;
        coverage->loaded_deep += counters->loaded_blocks[1] + counters->loaded_blocks[2];
    }
}

/* Another policy than the options name, for a cluster that has not run. */
static void route_by(struct cluster *cluster, const struct asim_policy *policy)
{
    const struct router_options options = cluster->router->options;
    router_destroy(cluster->router);
    cluster->policies.routing = policy_use_of(policy);
    cluster->router = router_create(&options);
}

struct cluster *random_cluster_create(const struct random_cluster *random, const asim_config *config, struct diag *diag)
{
    struct cluster *cluster = cluster_create(config_settings(config), 0, 1, diag);
    if (!cluster) {
        fail_msg("%s", diag->entries[0].text);
    }
    if (random->retention) {
        cluster->policies.retention = policy_use_of(random->retention);
    }
    if (random->scheduling) {
        cluster->policies.scheduling = policy_use_of(random->scheduling);
    }
    if (random->routing) {
        route_by(cluster, random->routing);
        cluster->plan.engine.peers.bandwidth = 100 * cluster->plan.engine.peers.block_bytes; /* copies take a while */
    }
    return cluster;
}

struct digest random_cluster_run(const struct random_cluster *random, struct cluster_coverage *coverage)
{
    asim_config *config = random_cluster_config(random);
    struct diag diag;
    diag_init(&diag);
    struct cluster *cluster = random_cluster_create(random, config, &diag);
    if (cluster->settings.synchronization == SYNCHRONIZATION_SERIAL) {
        assert_true(run_serial(cluster, NULL, NULL, &diag));
    } else {
        struct transport *transport = transport_self_create();
        assert_true(run_windows(cluster, transport, NULL, NULL, NULL, &diag));
        transport_destroy(transport);
    }
    const uint64_t first_turns = coverage->first_turns;
    check_history(cluster, coverage);
    check_engines(cluster, coverage);
    check_decisions(cluster, coverage);
    const struct router_counters *router = router_counters(cluster->router);
    uint64_t n_turns;
    recorder_turns(cluster->recorders[0], &n_turns);
    assert_int_equal(router->cold + router->affinity_hits + router->affinity_breaks, n_turns);
    assert_int_equal(router->cold, coverage->first_turns - first_turns);
    coverage->runs++;
    coverage->affinity_hits += router->affinity_hits;
    coverage->affinity_breaks += router->affinity_breaks;
    coverage->held += router->held;
    coverage->moved += router->moved;
    coverage->events = cluster->events;
    for (uint32_t i = 0; i < cluster->plan.n_instances; i++) {
        const struct instance_counters *counters = instance_counters(cluster->instances[i]);
        coverage->kv_blocks_sent += counters->kv_blocks_sent;
        coverage->kv_blocks_taken += counters->kv_blocks_taken;
    }
    coverage->closed_loops += cluster->settings.arrivals == SETTING_ARRIVALS_CLOSED;
    const struct digest digest = recorder_digest(cluster->recorders[0]);
    cluster_destroy(cluster);
    diag_fini(&diag);
    asim_config_destroy(config);
    return digest;
}

char *random_cluster_summary(const struct random_cluster *cluster)
{
    asim_config *config = random_cluster_config(cluster);
    asim_result *result = NULL;
    assert_int_equal(asim_run(config, NULL, &result), ASIM_OK);
    char *summary = strdup(asim_result_summary(result));
    asim_result_destroy(result);
    asim_config_destroy(config);
    return summary;
}
