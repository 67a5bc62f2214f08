#include "instance/residency/policies.h"

#include "support/support.h"

#include "instance/programs.h"
#include "instance/scenario.h"
#include "policy/policy_table.h"
#include "policy/random_policy.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- comparison ---- */

static bool same_record(const struct turn_record *a, const struct turn_record *b)
{
    return a->program == b->program && a->turn == b->turn && a->arrived == b->arrived &&
           a->first_scheduled == b->first_scheduled && a->first_token == b->first_token &&
           a->last_token == b->last_token && a->requeue_wait == b->requeue_wait && a->hit_toks == b->hit_toks &&
           a->preemptions == b->preemptions && a->recomputed_toks == b->recomputed_toks;
}

static bool same_snapshot(const struct load_snapshot *a, const struct load_snapshot *b)
{
    return a->running == b->running && a->waiting == b->waiting && a->used_blocks == b->used_blocks &&
           a->received == b->received;
}

/* All counters but that of turns that were sent back, which are asked about more or less often. */
static bool same_residency(const struct residency_counters *a, const struct residency_counters *b)
{
    struct residency_counters left = *a;
    struct residency_counters right = *b;
    left.refused = right.refused = 0;
    return memcmp(&left, &right, sizeof left) == 0;
}

static bool same_share(const struct programs_share *a, const struct programs_share *b)
{
    return a->evicted == b->evicted && a->counters.steps == b->counters.steps &&
           a->counters.preemptions == b->counters.preemptions && same_residency(&a->residency, &b->residency) &&
           memcmp(a->counters.part, b->counters.part, sizeof a->counters.part) == 0;
}

static void assert_same(const struct programs_outcome *a, const struct programs_outcome *b, const char *policy,
                        const char *pair)
{
    char what[256];
    snprintf(what, sizeof what, "%s, %s", policy, pair);
    for (uint32_t i = 0; i < a->n_ends && i < b->n_ends; i++) {
        if (!same_record(&a->ends[i].record, &b->ends[i].record)) {
            fail_msg("%s: turn end %u differs: program %d at %.6f s, %d at %.6f s", what, i,
                     (int)a->ends[i].record.program, simtime_to_s(a->ends[i].record.last_token),
                     (int)b->ends[i].record.program, simtime_to_s(b->ends[i].record.last_token));
        }
    }
    assert_int_equal(a->n_ends, b->n_ends);
    if (!same_gaps(&a->gaps, &b->gaps)) {
        fail_msg("%s: gaps between tokens differ", what);
    }
    for (uint32_t i = 0; i < PROGRAMS_MOST_INSTANCES; i++) {
        if (!same_share(&a->shares[i], &b->shares[i])) {
            fail_msg("%s: counters of instance %u differ", what, i);
        }
    }
    for (uint32_t i = 0; i < a->n_snapshots && i < b->n_snapshots; i++) {
        if (!same_snapshot(&a->snapshots[i], &b->snapshots[i])) {
            fail_msg("%s: snapshot %u differs", what, i);
        }
    }
}

/* ---- coverage ---- */

struct coverage {
    struct residency_counters residency;
    uint64_t steps, fast_forwarded, preemptions;
};

static void cover_share(struct coverage *sum, const struct programs_share *share)
{
    const struct residency_counters *counters = &share->residency;
    sum->steps += share->counters.steps;
    sum->fast_forwarded += share->counters.fast_forwarded;
    sum->preemptions += share->counters.preemptions;
    for (int i = 0; i < TRANSFER_KINDS; i++) {
        sum->residency.moved[i].transfers += counters->moved[i].transfers;
    }
    for (int i = 0; i < MAX_TIERS; i++) {
        sum->residency.loaded_blocks[i] += counters->loaded_blocks[i];
    }
    sum->residency.offloaded += counters->offloaded;
    sum->residency.stores_refused += counters->stores_refused;
    sum->residency.pins_returned += counters->pins_returned;
    sum->residency.pins_expired += counters->pins_expired;
    sum->residency.pins_forced += counters->pins_forced;
    sum->residency.pins_released += counters->pins_released;
    sum->residency.holds_returned += counters->holds_returned;
    sum->residency.holds_evicted += counters->holds_evicted;
    sum->residency.dropped += counters->dropped;
    sum->residency.refused += counters->refused;
    sum->residency.displaced += counters->displaced;
    sum->residency.recompute_block_ps += counters->recompute_block_ps;
    sum->residency.stalled_block_ps += counters->stalled_block_ps;
}

static void cover(struct coverage *sum, const struct programs_outcome *outcome)
{
    for (uint32_t i = 0; i < PROGRAMS_MOST_INSTANCES; i++) {
        cover_share(sum, &outcome->shares[i]);
    }
}

static void show_coverage(const struct coverage *sum)
{
    const struct residency_counters *residency = &sum->residency;
    const uint64_t seen[] = {
        residency->pins_returned, residency->pins_expired,   residency->pins_forced,
        residency->pins_released, residency->holds_returned, residency->holds_evicted,
        residency->dropped,       residency->refused,        residency->displaced,
        sum->preemptions,         sum->fast_forwarded,       (uint64_t)(residency->recompute_block_ps / SIMTIME_S)};
    static const char *const names[] = {"pins returned",
                                        "pins expired",
                                        "pins forced",
                                        "pins released",
                                        "holds returned",
                                        "holds evicted",
                                        "dropped",
                                        "refused",
                                        "displaced",
                                        "preemptions",
                                        "steps fast-forwarded",
                                        "block seconds of computing again"};
    for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++) {
        print_message("%llu %s\n", (unsigned long long)seen[i], names[i]);
        assert_true(seen[i] > 0);
    }
}

static void show_tiers(const struct coverage *sum)
{
    const struct residency_counters *residency = &sum->residency;
    const uint64_t seen[] = {residency->offloaded,
                             residency->moved[TRANSFER_STORE].transfers,
                             residency->moved[TRANSFER_COPY].transfers,
                             residency->moved[TRANSFER_LOAD].transfers,
                             residency->moved[TRANSFER_PREFETCH].transfers,
                             residency->moved[TRANSFER_RAISE].transfers,
                             residency->loaded_blocks[0],
                             residency->loaded_blocks[1],
                             residency->loaded_blocks[2],
                             residency->stores_refused,
                             (uint64_t)(residency->stalled_block_ps / SIMTIME_S)};
    static const char *const names[] = {"programs sent away",
                                        "stores",
                                        "copies down",
                                        "loads",
                                        "prefetches",
                                        "raises",
                                        "blocks from tier 0",
                                        "blocks from tier 1",
                                        "blocks from tier 2",
                                        "stores refused",
                                        "block seconds of waiting for loads"};
    for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++) {
        print_message("%llu %s\n", (unsigned long long)seen[i], names[i]);
        assert_true(seen[i] > 0);
    }
}

/* ---- the check ---- */

/* What an abort is about. */
static const char *running;

static void print_running(int signal)
{
    (void)signal;
    const bool written = write(STDERR_FILENO, running, strlen(running)) == (ssize_t)strlen(running);
    (void)!written;
}

static void watch(const struct programs *programs)
{
    const struct sigaction action = {.sa_handler = print_running, .sa_flags = (int)SA_RESETHAND};
    running = programs->label;
    sigaction(SIGABRT, &action, NULL);
}

/* Blocks are held while something is computed again exactly where something is: what the context before had and was not
 * found, or what a preemption threw away. */
static void check_recompute(const struct programs *programs, const struct programs_outcome *outcome)
{
    uint64_t toks[PROGRAMS_MOST_INSTANCES] = {0};
    for (uint32_t i = 0; i < outcome->n_ends; i++) {
        const struct turn_record *record = &outcome->ends[i].record;
        const struct planned_program *plan = &programs->plans[record->program];
        const uint32_t kept = record->turn ? plan->prompt[record->turn - 1] + plan->output[record->turn - 1] : 0;
        const uint32_t most = kept < record->prompt_toks ? kept : record->prompt_toks - 1;
        const uint32_t eligible = most - most % programs->config.block_size;
        toks[record->instance] +=
            record->recomputed_toks + (eligible > record->hit_toks ? eligible - record->hit_toks : 0);
    }
    for (uint32_t i = 0; i < programs->n_instances; i++) {
        const struct programs_share *share = &outcome->shares[i];
        if (share->decides && (toks[i] > 0) != (share->residency.recompute_block_ps > 0)) {
            fail_msg("%s: instance %u computed %llu tokens again", programs->label, i, (unsigned long long)toks[i]);
        }
        const bool loads = share->residency.moved[TRANSFER_LOAD].blocks > 0;
        if (loads != (share->residency.stalled_block_ps > 0)) {
            fail_msg("%s: instance %u loads, or nothing waits for it", programs->label, i);
        }
    }
}

static void check_one(const struct programs *programs, const struct policy_set *policies, struct step_time *step_time,
                      struct coverage *sum)
{
    const char *what = programs->label;
    static struct programs_outcome events, plain, steady, fast, whole;
    programs_run(programs, policies, step_time, ENGINE_PLAIN, PACE_EVENTS, &events);
    programs_run(programs, policies, step_time, ENGINE_PLAIN, PACE_INSTANTS, &plain);
    programs_run(programs, policies, step_time, ENGINE_STEADY, PACE_INSTANTS, &steady);
    programs_run(programs, policies, step_time, ENGINE_FAST_FORWARD, PACE_INSTANTS, &fast);
    programs_run(programs, policies, step_time, ENGINE_FAST_FORWARD, PACE_WHOLE, &whole);
    if (events.fault[0]) {
        fail_msg("%s: %s", what, events.fault);
    }
    assert_same(&events, &plain, what, "event by event");
    assert_same(&plain, &steady, what, "steady");
    assert_same(&plain, &fast, what, "fast-forward");
    assert_same(&plain, &whole, what, "fast-forward at a stretch");
    check_recompute(programs, &whole);
    cover(sum, &whole);
}

static void check_seed(uint64_t seed, bool tiers, struct step_time *step_time, struct coverage *sum)
{
    static struct programs programs;
    watch(&programs);
    programs_init(&programs, seed);
    if (tiers) {
        programs_use_tiers(&programs, seed);
    }
    for (size_t i = 0; i < policy_count(); i++) {
        const struct asim_policy *policy = policy_at(i);
        if (policy_serves(policy, POLICY_RETENTION) || policy_serves(policy, POLICY_SCHEDULING)) {
            const struct policy_set policies = {.retention = policy_use_of(policy),
                                                .scheduling = policy_use_of(policy)};
            snprintf(programs.label, sizeof programs.label, "seed %llu%s, policy %s", (unsigned long long)seed,
                     tiers ? " with tiers" : "", policy->name);
            check_one(&programs, &policies, step_time, sum);
        }
    }
    for (uint32_t i = 0; i < 6; i++) {
        const uint32_t kind = (uint32_t)random_policy_mix(seed, i);
        const struct asim_policy retention = random_policy(kind);
        const struct asim_policy scheduling = random_policy(kind >> 8);
        const struct policy_set policies = {.retention = policy_use_of(&retention),
                                            .scheduling = policy_use_of(kind & 1u << 30 ? &scheduling : &retention)};
        snprintf(programs.label, sizeof programs.label, "seed %llu%s, random policy %x", (unsigned long long)seed,
                 tiers ? " with tiers" : "", kind);
        check_one(&programs, &policies, step_time, sum);
    }
}

void check_refusal(uint64_t first, uint64_t last)
{
    struct step_time *step_time = scenario_step_time();
    static struct programs programs;
    struct coverage sum = {0};
    watch(&programs);
    for (uint64_t seed = first; seed < last; seed++) {
        programs_init(&programs, seed);
        if (seed % 2) {
            programs_use_tiers(&programs, seed);
        }
        enum { FEW = 3 }; /* each of their turns is kept waiting for an hour */
        programs.n = programs.n < FEW ? programs.n : FEW;
        const struct asim_policy retention = random_policy((uint32_t)random_policy_mix(seed, 1));
        const struct asim_policy scheduling = refusing_policy(seed % 4 < 2);
        const struct policy_set policies = {.retention = policy_use_of(&retention),
                                            .scheduling = policy_use_of(&scheduling)};
        snprintf(programs.label, sizeof programs.label, "seed %llu, a policy that refuses", (unsigned long long)seed);
        check_one(&programs, &policies, step_time, &sum);
    }
    step_time_destroy(step_time);
    assert_true(sum.residency.refused > 0);
}

void check_policies_of(uint64_t seed, bool tiers)
{
    struct step_time *step_time = scenario_step_time();
    struct coverage unused = {0};
    check_seed(seed, tiers, step_time, &unused);
    step_time_destroy(step_time);
}

void check_policies(uint64_t first, uint64_t last, bool tiers)
{
    struct step_time *step_time = scenario_step_time();
    struct coverage sum = {0};
    for (uint64_t seed = first; seed < last; seed++) {
        check_seed(seed, tiers, step_time, &sum);
    }
    step_time_destroy(step_time);
    show_coverage(&sum);
    if (tiers) {
        show_tiers(&sum);
    }
}
