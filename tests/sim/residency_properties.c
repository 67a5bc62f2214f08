#include "sim/residency_properties.h"

#include "api/run_options.h"

#include "support/support.h"

#include "sim/random_cluster.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- of one record ---- */

static asim_residency record_at(const asim_result *result, size_t index)
{
    asim_residency record = {.struct_size = sizeof record};
    assert_int_equal(asim_result_residency(result, index, &record), ASIM_OK);
    return record;
}

static bool comes_before(const asim_residency *a, const asim_residency *b)
{
    if (a->time_ps != b->time_ps) {
        return a->time_ps < b->time_ps;
    }
    if (a->instance != b->instance) {
        return a->instance < b->instance;
    }
    return a->is_instance ? !b->is_instance : a->program < b->program;
}

static void check_turn(const asim_residency *record, const asim_kv_turn *turn, struct residency_coverage *coverage)
{
    uint32_t at = 0;
    for (size_t i = 0; i < turn->n_extents; i++) {
        assert_int_equal(turn->extents[i].first, at);
        assert_true(turn->extents[i].tokens > 0 && turn->extents[i].tier <= ASIM_TIERS);
        assert_true(!i || turn->extents[i].tier > turn->extents[i - 1].tier); /* the nearest first */
        at += turn->extents[i].tokens;
        coverage->tiers[turn->extents[i].tier]++;
    }
    assert_int_equal(at, turn->context_tokens);
    const bool has_come = turn->phase >= ASIM_KV_GATEWAY;
    assert_true(turn->phase == ASIM_KV_JOIN ? turn->ready_ps < 0 : (turn->ready_ps < record->time_ps) == has_come);
    assert_true(turn->at != UINT32_MAX || turn->phase <= ASIM_KV_GATEWAY);
    coverage->phases[turn->phase]++;
    coverage->left_behind += turn->at != record->instance;
    coverage->without_home += turn->at == UINT32_MAX;
}

/* Something is held just where somebody holds it, and no more than they hold together. */
static void check_pins(const asim_residency *record, struct residency_coverage *coverage)
{
    uint64_t held[ASIM_TIERS] = {0};
    uint32_t most[ASIM_TIERS] = {0};
    for (size_t i = 0; i < record->n_pins; i++) {
        const asim_kv_pin *pin = &record->pins[i];
        assert_true(pin->blocks > 0 && pin->tier < ASIM_TIERS);
        assert_true((pin->policy != NULL) == (pin->by == ASIM_KV_BY_PIN || pin->by == ASIM_KV_BY_HOLD));
        assert_true(pin->until != ASIM_KV_UNTIL_TIME ||
                    (pin->by == ASIM_KV_BY_PIN && pin->until_ps >= record->time_ps));
        held[pin->tier] += pin->blocks;
        most[pin->tier] = pin->blocks > most[pin->tier] ? pin->blocks : most[pin->tier];
        coverage->reasons[pin->by]++;
        coverage->until[pin->until]++;
    }
    for (int tier = 0; tier < ASIM_TIERS; tier++) {
        if (record->tiers_told & 1u << tier && tier == ASIM_TIER_HBM) {
            assert_true(record->tiers[tier].held_blocks <= held[tier] && record->tiers[tier].held_blocks >= most[tier]);
        }
    }
}

static void check_transfers(const asim_residency *record, struct residency_coverage *coverage)
{
    for (size_t i = 0; i < record->n_transfers; i++) {
        const asim_kv_transfer *transfer = &record->transfers[i];
        assert_true(transfer->moved_bytes <= transfer->bytes && transfer->from != transfer->to);
        assert_true(transfer->waits ? !transfer->bytes : transfer->bytes > 0);
        coverage->moving += transfer->moved_bytes > 0;
        assert_true(transfer->starts_ps < 0 || (transfer->waits && strcmp(transfer->kind, "prefetch") == 0));
        coverage->waiting += transfer->waits && transfer->starts_ps < 0;
        coverage->planned += transfer->starts_ps >= 0;
    }
}

static void check_program(const asim_residency *record, uint32_t block_size, struct residency_coverage *coverage)
{
    coverage->programs_per_instant++;
    coverage->ended += !record->name;
    assert_true(record->name ? true : !record->n_turns && (record->n_pins || record->n_transfers));
    for (int tier = 0; tier < ASIM_TIERS; tier++) {
        const asim_kv_share *share = &record->tiers[tier];
        assert_true(share->shared_blocks <= share->held_blocks && share->held_blocks <= share->blocks);
        assert_true(record->tiers_told & 1u << tier || !share->blocks);
        coverage->shared += share->shared_blocks;
    }
    for (size_t i = 0; i < record->n_turns; i++) {
        const asim_kv_turn *turn = &record->turns[i];
        check_turn(record, turn, coverage);
        if (turn->n_extents && turn->extents[0].tier == ASIM_TIER_HBM) {
            assert_true((uint64_t)record->tiers[ASIM_TIER_HBM].blocks * block_size >= turn->extents[0].tokens);
        }
    }
    check_pins(record, coverage);
    check_transfers(record, coverage);
}

/* ---- of all records of an instance, or of a host ---- */

/* What the programs have in one tier of it. */
struct sums {
    asim_kv_share all;
    uint64_t alone, blocks;
    uint32_t most;
};

static void add_program(struct sums *sums, const asim_kv_share *share)
{
    sums->alone += share->held_blocks - share->shared_blocks;
    sums->blocks += share->blocks;
    sums->most = share->blocks > sums->most ? share->blocks : sums->most;
}

static void check_sums(const struct sums *sums)
{
    const asim_kv_share *all = &sums->all;
    const uint64_t known = all->blocks - all->other_blocks;
    assert_int_equal(sums->alone + all->shared_blocks, all->held_blocks);
    assert_true(all->held_blocks <= known && known <= sums->blocks && sums->most <= known);
    assert_true(all->blocks <= all->usable_blocks && all->other_blocks <= all->blocks);
    assert_true(all->blocks ? all->bytes % all->blocks == 0 : !all->bytes);
}

void check_residency(const asim_result *result, uint32_t block_size, struct residency_coverage *coverage)
{
    const size_t n = asim_result_residency_count(result);
    struct sums hbm = {0};
    struct sums below[ASIM_TIERS] = {0};
    asim_residency last = {.time_ps = -1};
    for (size_t i = 0; i < n; i++) {
        const asim_residency record = record_at(result, i);
        assert_true(comes_before(&last, &record));
        if (record.is_instance) {
            check_sums(&hbm);
            hbm = (struct sums){.all = record.tiers[ASIM_TIER_HBM]};
            coverage->instants += record.time_ps != last.time_ps;
        } else if (record.instance != UINT32_MAX) {
            add_program(&hbm, &record.tiers[ASIM_TIER_HBM]);
        }
        for (int tier = ASIM_TIER_DRAM; tier < ASIM_TIERS; tier++) {
            if (record.is_instance && record.tiers_told & 1u << tier) { /* the first of those that share it */
                check_sums(&below[tier]);
                below[tier] = (struct sums){.all = record.tiers[tier]};
            } else if (!record.is_instance) {
                add_program(&below[tier], &record.tiers[tier]);
            }
        }
        if (!record.is_instance) {
            check_program(&record, block_size, coverage);
        }
        last = record;
    }
    check_sums(&hbm);
    for (int tier = ASIM_TIER_DRAM; tier < ASIM_TIERS; tier++) {
        check_sums(&below[tier]);
    }
    coverage->records += n;
}

/* ---- random scenarios ---- */

static const char *const trials[][4] = {
    {"serial", "1", "fast-forward", "8"}, {"serial", "1", "plain", "8"},         {"windows", "1", "fast-forward", "8"},
    {"windows", "2", "steady", "1"},      {"windows", "3", "fast-forward", "1"}, {"windows", "2", "plain", "3"},
};

enum { N_TRIALS = sizeof trials / sizeof trials[0] };

static void draw_scenario(struct random_cluster *cluster, uint64_t seed)
{
    static const char *const latencies[] = {"1ms", "7ms", "30ms"};
    random_cluster_init(cluster, seed);
    random_cluster_set(cluster, "dispatch_latency", latencies[seed % 3]);
    if (seed % 3 == 0) {
        random_cluster_use_graphs(cluster, seed);
    }
    if (seed % 5) {
        random_cluster_use_tiers(cluster, seed);
    }
    if (seed % 7) {
        random_cluster_use_policies(cluster, seed);
    }
    if (seed % 4 == 0) {
        random_cluster_set(cluster, "routing", "thunderagent");
    } else if (seed % 4 == 1) {
        random_cluster_set(cluster, "router.view", "exact");
    }
}

static asim_result *run(const struct random_cluster *cluster)
{
    asim_config *config = random_cluster_config(cluster);
    asim_result *result = NULL;
    if (asim_run(config, NULL, &result) != ASIM_OK) {
        fail_msg("%s", asim_result_message(result, 0, NULL));
    }
    asim_config_destroy(config);
    return result;
}

/* Fails, with what differs, unless the texts are equal. */
static void require_same(const char *a, const char *b, uint64_t seed, size_t trial, const char *what)
{
    size_t at = 0;
    while (a[at] && a[at] == b[at]) {
        at++;
    }
    if (a[at] != b[at]) {
        const size_t from = at > 300 ? at - 300 : 0;
        print_error("%.400s\n%.400s\n", a + from, b + from);
        fail_msg("seed %" PRIu64 ", trial %zu: another %s", seed, trial, what);
    }
}

static void check_seed(uint64_t seed, struct residency_coverage *coverage)
{
    struct random_cluster cluster;
    draw_scenario(&cluster, seed);
    random_cluster_set(&cluster, "synchronization", "serial");
    char *serial = random_cluster_summary(&cluster);
    random_cluster_set(&cluster, "synchronization", "windows");
    char *windows = random_cluster_summary(&cluster);
    /* Telemetry instants are among them, and the last picosecond before one. */
    random_cluster_set(&cluster, "residency_at", "1ps,99999999999ps,100ms,333333333333ps,1s,7s");
    random_cluster_set(&cluster, "residency_every", seed % 2 ? "130ms" : "200ms");
    const uint32_t block_size = (uint32_t)strtoul(random_cluster_get(&cluster, "block_size"), NULL, 10);
    char *first = NULL;
    for (size_t i = 0; i < N_TRIALS; i++) {
        random_cluster_set(&cluster, "synchronization", trials[i][0]);
        random_cluster_set(&cluster, "threads", trials[i][1]);
        random_cluster_set(&cluster, "stepping", trials[i][2]);
        random_cluster_set(&cluster, "partition", trials[i][3]);
        asim_result *result = run(&cluster);
        char *lines = written_of(result, asim_result_write_residency, ASIM_OK);
        require_same(trials[i][0][0] == 's' ? serial : windows, asim_result_summary(result), seed, i,
                     "summary than that of who does not ask");
        if (first) {
            require_same(first, lines, seed, i, "residency than on the serial engine");
        } else {
            check_residency(result, block_size, coverage);
            first = strdup(lines);
        }
        free(lines);
        asim_result_destroy(result);
    }
    free(first);
    free(serial);
    free(windows);
    random_cluster_fini(&cluster);
}

void check_residency_properties(uint64_t first, uint64_t last, struct residency_coverage *coverage)
{
    for (uint64_t seed = first; seed < last; seed++) {
        check_seed(seed, coverage);
    }
    const struct residency_coverage *c = coverage;
    print_message("%" PRIu64 " records of %" PRIu64 " instants, %" PRIu64 " of programs; joins %" PRIu64
                  ", gaps %" PRIu64 ", at the gateway %" PRIu64 ", sent %" PRIu64 ", waiting %" PRIu64
                  ", loading %" PRIu64 ", running %" PRIu64 "\n",
                  c->records, c->instants, c->programs_per_instant, c->phases[ASIM_KV_JOIN], c->phases[ASIM_KV_GAP],
                  c->phases[ASIM_KV_GATEWAY], c->phases[ASIM_KV_SENT], c->phases[ASIM_KV_WAITING],
                  c->phases[ASIM_KV_LOADING], c->phases[ASIM_KV_RUNNING]);
    print_message("held by turns %" PRIu64 ", pins %" PRIu64 ", holds %" PRIu64 ", transfers %" PRIu64
                  "; until a time %" PRIu64 ", needed %" PRIu64 ", admitted %" PRIu64 ", done %" PRIu64
                  "; transfers that have moved %" PRIu64 ", that wait %" PRIu64 ", planned %" PRIu64 "\n",
                  c->reasons[ASIM_KV_BY_TURN], c->reasons[ASIM_KV_BY_PIN], c->reasons[ASIM_KV_BY_HOLD],
                  c->reasons[ASIM_KV_BY_TRANSFER], c->until[ASIM_KV_UNTIL_TIME], c->until[ASIM_KV_UNTIL_NEEDED],
                  c->until[ASIM_KV_UNTIL_ADMITTED], c->until[ASIM_KV_UNTIL_DONE], c->moving, c->waiting, c->planned);
    print_message("extents in HBM %" PRIu64 ", DRAM %" PRIu64 ", CXL %" PRIu64 ", NVMe %" PRIu64 ", nowhere %" PRIu64
                  "; shared blocks %" PRIu64 ", left behind %" PRIu64 ", of programs that ended %" PRIu64
                  ", without a home %" PRIu64 "\n",
                  c->tiers[ASIM_TIER_HBM], c->tiers[ASIM_TIER_DRAM], c->tiers[ASIM_TIER_CXL], c->tiers[ASIM_TIER_NVME],
                  c->tiers[ASIM_TIERS], c->shared, c->left_behind, c->ended, c->without_home);
}
