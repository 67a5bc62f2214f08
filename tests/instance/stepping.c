#include "instance/stepping.h"

#include "support/support.h"

#include "instance/scenario.h"

#include <stdbool.h>
#include <string.h>

static bool same_record(const struct turn_record *a, const struct turn_record *b)
{
    return a->program == b->program && a->turn == b->turn && a->instance == b->instance && a->ready == b->ready &&
           a->arrived == b->arrived && a->first_scheduled == b->first_scheduled && a->first_token == b->first_token &&
           a->last_token == b->last_token && a->requeue_wait == b->requeue_wait && a->prompt_toks == b->prompt_toks &&
           a->output_toks == b->output_toks && a->hit_toks == b->hit_toks && a->preemptions == b->preemptions &&
           a->recomputed_toks == b->recomputed_toks && a->length_limited == b->length_limited;
}

static bool same_snapshot(const struct load_snapshot *a, const struct load_snapshot *b)
{
    return a->running == b->running && a->waiting == b->waiting && a->used_blocks == b->used_blocks &&
           a->received == b->received;
}

static void assert_same(const struct outcome *plain, const struct outcome *other, uint64_t seed)
{
    if (plain->n_ends != other->n_ends || plain->evicted != other->evicted ||
        plain->counters.steps != other->counters.steps || plain->counters.preemptions != other->counters.preemptions ||
        plain->counters.peak_used_blocks != other->counters.peak_used_blocks ||
        !same_gaps(&plain->gaps, &other->gaps) ||
        plain->counters.scheduled_tokens != other->counters.scheduled_tokens ||
        memcmp(plain->counters.part, other->counters.part, sizeof plain->counters.part) != 0) {
        fail_msg("seed %llu: counters differ", (unsigned long long)seed);
    }
    for (uint32_t i = 0; i < plain->n_ends; i++) {
        if (!same_record(&plain->ends[i].record, &other->ends[i].record)) {
            fail_msg("seed %llu: turn end %u differs", (unsigned long long)seed, i);
        }
    }
    const uint32_t snapshots = plain->n_snapshots < other->n_snapshots ? plain->n_snapshots : other->n_snapshots;
    for (uint32_t i = 0; i < snapshots; i++) {
        if (!same_snapshot(&plain->snapshots[i], &other->snapshots[i])) {
            fail_msg("seed %llu: snapshot %u differs", (unsigned long long)seed, i);
        }
    }
}

void check_stepping(uint64_t first, uint64_t last)
{
    struct step_time *step_time = scenario_step_time();
    struct instance_counters sum = {0};
    uint64_t evicted = 0;
    for (uint64_t seed = first; seed < last; seed++) {
        struct scenario scenario;
        struct outcome plain;
        struct outcome steady;
        struct outcome fast;
        struct outcome fast_whole;
        struct outcome plain_whole;
        scenario_init(&scenario, seed);
        const simtime chunk = scenario.config.telemetry_period;
        scenario_run(&scenario, step_time, ENGINE_PLAIN, chunk, &plain);
        scenario_run(&scenario, step_time, ENGINE_STEADY, chunk, &steady);
        scenario_run(&scenario, step_time, ENGINE_FAST_FORWARD, chunk, &fast);
        scenario_run(&scenario, step_time, ENGINE_PLAIN, 0, &plain_whole);
        scenario_run(&scenario, step_time, ENGINE_FAST_FORWARD, 0, &fast_whole);
        assert_same(&plain, &steady, seed);
        assert_same(&plain, &fast, seed);
        assert_same(&plain_whole, &fast_whole, seed);
        sum.steps += fast_whole.counters.steps;
        sum.fast_forwarded += fast_whole.counters.fast_forwarded;
        sum.plain_steps += fast_whole.counters.plain_steps;
        sum.preemptions += fast_whole.counters.preemptions;
        evicted += fast_whole.evicted;
        outcome_fini(&plain);
        outcome_fini(&steady);
        outcome_fini(&fast);
        outcome_fini(&plain_whole);
        outcome_fini(&fast_whole);
        scenario_fini(&scenario);
    }
    step_time_destroy(step_time);
    print_message("%llu steps, %llu fast-forwarded, %llu by the plain path, %llu preemptions, %llu evictions\n",
                  (unsigned long long)sum.steps, (unsigned long long)sum.fast_forwarded,
                  (unsigned long long)sum.plain_steps, (unsigned long long)sum.preemptions,
                  (unsigned long long)evicted);
    assert_true(sum.fast_forwarded > 0 && sum.plain_steps > 0 && sum.preemptions > 0 && evicted > 0);
}
