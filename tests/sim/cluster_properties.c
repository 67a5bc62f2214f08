#include "sim/cluster_properties.h"

#include "support/support.h"

#include "sim/random_cluster.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void require_same(struct digest a, struct digest b, uint64_t seed, const char *what)
{
    if (a.low != b.low || a.high != b.high) {
        fail_msg("seed %" PRIu64 ": %s changes the history", seed, what);
    }
}

static void check_seed(uint64_t seed, struct cluster_coverage *coverage)
{
    struct random_cluster cluster;
    struct cluster_coverage unused = {0};
    random_cluster_init(&cluster, seed);
    if (seed % 3 == 2) {
        random_cluster_use_graphs(&cluster, seed);
    }
    random_cluster_set(&cluster, "synchronization", "serial");
    random_cluster_set(&cluster, "stepping", "plain");
    const struct digest plain = random_cluster_run(&cluster, coverage);
    char *summary = random_cluster_summary(&cluster);
    static const char *const modes[] = {"steady", "fast-forward", "fast-forward"};
    for (int i = 0; i < 3; i++) {
        random_cluster_set(&cluster, "stepping", modes[i]);
        require_same(plain, random_cluster_run(&cluster, &unused), seed, modes[i]);
        char *other = random_cluster_summary(&cluster);
        assert_string_equal(summary, other);
        free(other);
    }
    free(summary);
    if (strcmp(random_cluster_get(&cluster, "routing"), "round-robin") == 0) {
        random_cluster_set(&cluster, "router.telemetry_period", "3ms");
        require_same(plain, random_cluster_run(&cluster, &unused), seed, "unused telemetry");
        random_cluster_set(&cluster, "router.telemetry_period", "100s");
        require_same(plain, random_cluster_run(&cluster, &unused), seed, "unused telemetry");
    }
    random_cluster_fini(&cluster);
}

void check_cluster_properties(uint64_t first, uint64_t last)
{
    struct cluster_coverage c = {0};
    for (uint64_t seed = first; seed < last; seed++) {
        check_seed(seed, &c);
    }
    print_message("%" PRIu64 " runs, %" PRIu64 " programs, %" PRIu64 " turns; dropped %" PRIu64 ", truncated %" PRIu64
                  ", preemptions %" PRIu64 ", affinity kept %" PRIu64 " broken %" PRIu64 ", idle instances %" PRIu64
                  ", length-limited %" PRIu64 ", turns with hits %" PRIu64 ", closed loops %" PRIu64 "\n",
                  c.runs, c.programs, c.turns, c.dropped, c.truncated, c.preemptions, c.affinity_hits,
                  c.affinity_breaks, c.idle_instances, c.length_limited, c.hits, c.closed_loops);
    assert_true(c.dropped && c.truncated && c.preemptions && c.affinity_hits && c.affinity_breaks && c.idle_instances &&
                c.length_limited && c.hits && c.closed_loops);
}
