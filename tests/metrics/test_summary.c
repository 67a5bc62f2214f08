#include "support/support.h"

#include "base/mem.h"
#include "metrics/series.h"
#include "metrics/summary.h"
#include "metrics/tables.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *text = mem_zalloc(1 << 16);
    const size_t bytes = fread(text, 1, (1 << 16) - 1, file);
    fclose(file);
    text[bytes] = '\0';
    return text;
}

static struct turn_record sample_turn(void)
{
    return (struct turn_record){.program = 7,
                                .turn = 1,
                                .instance = 2,
                                .ready = 1500 * SIMTIME_MS,
                                .arrived = 1501 * SIMTIME_MS,
                                .first_scheduled = 1501 * SIMTIME_MS + 1,
                                .first_token = 2 * SIMTIME_S,
                                .last_token = 3 * SIMTIME_S,
                                .prompt_toks = 100,
                                .output_toks = 11,
                                .hit_toks = 96,
                                .loaded_toks = 32,
                                .loaded_from = 1,
                                .kept_toks = 80,
                                .preemptions = 1,
                                .recomputed_toks = 4,
                                .requeue_wait = 20 * SIMTIME_MS};
}

static struct summary_input sample_input(void)
{
    struct recorder *recorder = recorder_create(&(struct recorder_options){0});
    const struct turn_record turn = sample_turn();
    struct program_sums sums = {0};
    recorder_turn(recorder, &turn, &sums);
    recorder_program(
        recorder,
        &(struct program_record){
            .program = 7, .name = "x", .arrival = 0, .end = 3 * SIMTIME_S, .tool_time = SIMTIME_S, .n_turns = 1},
        &sums);
    series_add_times(recorder_gaps(recorder), 100 * SIMTIME_MS, 9);
    series_add_times(recorder_gaps(recorder), 250 * SIMTIME_MS, 1);
    struct summary_input in = {.workload = "traces/a \"b\".jsonl",
                               .arrivals = "recorded",
                               .model = "llama-3.1-8b",
                               .hardware = "h100-sxm",
                               .engine = "vllm-0.19",
                               .compute = "tile",
                               .retention = "lru",
                               .scheduling = "fcfs",
                               .routing = "session-affinity",
                               .assumptions = "generic constants",
                               .seed = 1,
                               .instances = 2,
                               .tensor_parallel = 1,
                               .steps = 40,
                               .events = 12,
                               .programs_total = 2,
                               .programs_dropped = 1,
                               .kv_blocks_per_instance = 25000,
                               .kv_block_size = 16,
                               .kv_evicted_blocks = 9,
                               .kv_peak_use = 0.25,
                               .router_affinity_hits = 1,
                               .router_cold = 1};
    in.time_ps[BOUND_HBM] = (unsigned __int128)SIMTIME_LIMIT * 8; /* more than 64 bits hold */
    in.time_ps[BOUND_IDLE] = (unsigned __int128)SIMTIME_S / 2;
    static const struct summary_decisions decisions = {.kept = 1,
                                                       .held = 2,
                                                       .pinned = 3,
                                                       .offloaded = 4,
                                                       .dropped = 5,
                                                       .pins_returned = 6,
                                                       .pins_expired = 7,
                                                       .pins_forced = 8,
                                                       .pins_released = 9,
                                                       .holds_returned = 10,
                                                       .holds_evicted = 11,
                                                       .refused = 12,
                                                       .displaced = 13,
                                                       .active_block_ps = 60000 * (unsigned __int128)SIMTIME_S,
                                                       .retained_block_ps = 15000 * (unsigned __int128)SIMTIME_S,
                                                       .wasted_block_ps = 3000 * (unsigned __int128)SIMTIME_S,
                                                       .recompute_block_ps = 6000 * (unsigned __int128)SIMTIME_S,
                                                       .stalled_block_ps = 1500 * (unsigned __int128)SIMTIME_S};
    static const struct summary_tiers tiers = {.n_tiers = 2,
                                               .names = {"dram", "nvme"},
                                               .moved = {{1, 10}, {2, 20}, {3, 30}, {4, 40}},
                                               .loaded_blocks = {50, 20},
                                               .stores_refused = 5,
                                               .links = {{1000, SIMTIME_S, 6 * (unsigned __int128)SIMTIME_S},
                                                         {7000, SIMTIME_S, 4 * (unsigned __int128)SIMTIME_S},
                                                         {3000, SIMTIME_S, 2 * (unsigned __int128)SIMTIME_S},
                                                         {0, 0, 0}, /* not duplex */
                                                         {2000, 0, 2 * (unsigned __int128)SIMTIME_S},
                                                         {2000, SIMTIME_S, 8 * (unsigned __int128)SIMTIME_S}}};
    static const struct summary_belady belady = {
        .accesses = 90, .misses = 24, .compulsory = 10, .optimal = 16, .largest_ratio = 1.75};
    in.belady = &belady;
    in.decisions = &decisions;
    in.tiers = &tiers;
    in.slo = (struct service_levels){.ttft = SIMTIME_S, .jct = 2 * SIMTIME_S};
    in.warmup = SIMTIME_S;
    in.kv_block_bytes = 100;
    in.longest_busy = SIMTIME_LIMIT;
    recorder_summarise(recorder, &in.recorder);
    in.digest = recorder_digest(recorder);
    recorder_destroy(recorder);
    return in;
}

/* The document, byte for byte. UPDATE_GOLDEN=1 writes it anew. */
static void golden(void **state)
{
    (void)state;
    const struct summary_input in = sample_input();
    char *text = summary_json(&in);
    char *again = summary_json(&in);
    if (getenv("UPDATE_GOLDEN")) {
        FILE *file = fopen(test_path("metrics/summary.json"), "wb");
        fprintf(file, "%s\n", text);
        fclose(file);
    }
    char *expected = read_whole(test_path("metrics/summary.json"));
    expected[strlen(expected) - 1] = '\0'; /* the file's last line break */
    assert_string_equal(text, expected);
    assert_string_equal(text, again);
    mem_free(text);
    mem_free(again);
    mem_free(expected);
}

/* A run without turns has no quantities and no hit rate: null, not zero. */
static void nothing_completed(void **state)
{
    (void)state;
    const struct summary_input in = {.interrupted = true, .workload = "caf\xe9"};
    char *text = summary_json(&in);
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    assert_true(json_is_true(json_object_get(root, "interrupted")));
    json_t *ttft = json_object_get(json_object_get(root, "turns"), "ttft_s");
    assert_int_equal(json_integer_value(json_object_get(ttft, "n")), 0);
    assert_true(json_is_null(json_object_get(ttft, "p99")));
    assert_true(json_is_null(json_object_get(json_object_get(root, "kv"), "hit_rate")));
    json_t *simulated = json_object_get(root, "simulated");
    assert_true(json_is_null(json_object_get(simulated, "model")));
    assert_string_equal(json_string_value(json_object_get(simulated, "workload")), "caf?");
    json_decref(root);
    mem_free(text);
}

static void sketch_is_said(void **state)
{
    (void)state;
    struct summary_input in = sample_input();
    in.recorder.sketched = true;
    char *text = summary_json(&in);
    assert_non_null(strstr(text, "\"percentiles\": \"histogram\""));
    mem_free(text);
}

/* Where the run was stopped, and how many the statistics leave out. */
static void stop_and_warmup_are_said(void **state)
{
    (void)state;
    struct summary_input in = sample_input();
    in.stopped = true;
    in.stopped_at = 2500 * SIMTIME_MS;
    in.recorder.programs_warmup = 3;
    in.recorder.turns_warmup = 17;
    char *text = summary_json(&in);
    json_t *root = json_loads(text, 0, NULL);
    assert_true(json_real_value(json_object_get(root, "stopped_at_s")) == 2.5);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(root, "programs"), "warmup")), 3);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(root, "turns"), "warmup")), 17);
    json_decref(root);
    mem_free(text);
}

static void csv_equals(bool (*write)(FILE *), const char *expected)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *file = open_memstream(&text, &bytes);
    assert_true(write(file));
    fclose(file);
    assert_string_equal(text, expected);
    free(text);
}

static bool write_programs(FILE *file)
{
    const struct program_row rows[] = {
        {.record = {.program = 0, .name = "plain", .arrival = 0, .end = SIMTIME_S + 1, .tool_time = 0, .n_turns = 1},
         .sums = {.prompt_toks = 10, .generated_toks = 2, .ttft_first = SIMTIME_MS, .queue = 1}},
        {.record = {.program = 12,
                    .name = "a,\"b\"\n",
                    .arrival = 100 * SIMTIME_S,
                    .end = 200 * SIMTIME_S,
                    .tool_time = SIMTIME_S / 4,
                    .n_turns = 3},
         .sums = {.hit_toks = 5, .preemptions = 2}},
    };
    return tables_write_programs(file, rows, 2);
}

static void programs_table(void **state)
{
    (void)state;
    csv_equals(write_programs,
               "program,name,arrival_s,end_s,jct_s,tool_s,queue_s,first_ttft_s,turns,prompt_tokens,generated_tokens,"
               "prefix_hit_tokens,preemptions\n"
               "0,plain,0,1.000000000001,1.000000000001,0,0.000000000001,0.001,1,10,2,0,0\n"
               "12,\"a,\"\"b\"\"\n\",100,200,100,0.25,0,0,3,0,0,5,2\n");
}

static bool write_turns(FILE *file)
{
    struct turn_record turns[] = {sample_turn(), sample_turn()};
    turns[1].turn = 2;
    turns[1].output_toks = 1;
    turns[1].last_token = turns[1].first_token;
    turns[1].length_limited = true;
    return tables_write_turns(file, turns, 2);
}

static void turns_table(void **state)
{
    (void)state;
    csv_equals(write_turns,
               "program,turn,instance,ready_s,arrived_s,first_scheduled_s,first_token_s,last_token_s,ttft_s,e2e_s,"
               "queue_s,tpot_s,prompt_tokens,output_tokens,prefix_hit_tokens,recomputed_tokens,preemptions,"
               "length_limited,eligible_tokens,loaded_tokens\n"
               "7,1,2,1.5,1.501,1.501000000001,2,3,0.5,1.5,0.021000000001,0.1,100,11,96,4,1,0,80,32\n"
               "7,2,2,1.5,1.501,1.501000000001,2,2,0.5,0.5,0.021000000001,,100,1,96,4,1,1,80,32\n");
}

static bool write_to_full_device(FILE *file)
{
    return write_programs(file) || write_turns(file);
}

static void full_device_is_reported(void **state)
{
    (void)state;
    FILE *file = fopen("/dev/full", "w");
    if (!file) {
        skip();
    }
    assert_false(write_to_full_device(file));
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden),
        cmocka_unit_test(nothing_completed),
        cmocka_unit_test(sketch_is_said),
        cmocka_unit_test(stop_and_warmup_are_said),
        cmocka_unit_test(programs_table),
        cmocka_unit_test(turns_table),
        cmocka_unit_test(full_device_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
