#include "instance/oracle.h"

#include "support/support.h"

#include "base/mem.h"
#include "instance/scenario.h"

#include <inttypes.h>

static const char *const modes[] = {"plain", "steady", "fast-forward"};

#define SAME(FIELD)                                                                                                    \
    if (a->FIELD != b->FIELD) {                                                                                        \
        return #FIELD;                                                                                                 \
    }

/* The first field that differs, or NULL. */
static const char *record_difference(const struct turn_record *a, const struct turn_record *b)
{
    SAME(program)
    SAME(turn)
    SAME(instance)
    SAME(ready)
    SAME(arrived)
    SAME(first_scheduled)
    SAME(first_token)
    SAME(last_token)
    SAME(requeue_wait)
    SAME(prompt_toks)
    SAME(output_toks)
    SAME(hit_toks)
    SAME(preemptions)
    SAME(recomputed_toks)
    SAME(length_limited)
    return NULL;
}

static const char *load_difference(const struct load_snapshot *a, const struct load_snapshot *b)
{
    SAME(running)
    SAME(waiting)
    SAME(used_blocks)
    SAME(received)
    return NULL;
}

static const char *counter_difference(const struct plain_run *a, const struct outcome *run)
{
    const struct instance_counters *b = &run->counters;
    const struct gaps_seen gaps = gaps_seen(&a->gaps);
    SAME(steps)
    SAME(preemptions)
    SAME(scheduled_tokens)
    SAME(peak_used_blocks)
    simtime busy = 0;
    for (int i = 0; i < STEP_BOUNDS; i++) {
        busy += b->part[i];
    }
    if (!same_gaps(&gaps, &run->gaps)) {
        return "gaps between tokens";
    }
    return a->busy != busy ? "sum of step times" : NULL;
}

static void compare(const struct plain_run *oracle, const struct outcome *run, uint64_t seed, const char *mode)
{
    for (uint32_t i = 0; i < oracle->n_ends; i++) {
        const char *what = record_difference(&oracle->ends[i].record, &run->ends[i].record);
        if (what) {
            fail_msg("seed %" PRIu64 ", %s: end %u (turn %" PRIu64 " there): %s differs", seed, mode, i,
                     oracle->ends[i].record.program, what);
        }
        assert_int_equal(oracle->ends[i].slot, run->ends[i].slot);
    }
    const char *what = counter_difference(oracle, run);
    if (what || oracle->evicted != run->evicted) {
        fail_msg("seed %" PRIu64 ", %s: %s differs", seed, mode, what ? what : "evicted");
    }
    for (uint32_t i = 0; i < run->n_snapshots; i++) {
        const struct load_snapshot load = plain_run_load(oracle, run->instants[i]);
        what = load_difference(&load, &run->snapshots[i]);
        if (what) {
            fail_msg("seed %" PRIu64 ", %s: %s at telemetry instant %" PRId64 " ps differs", seed, mode, what,
                     run->instants[i]);
        }
    }
}

void check_against_oracle(uint64_t first, uint64_t last, struct oracle_coverage *coverage)
{
    struct step_time *step_time = scenario_step_time();
    *coverage = (struct oracle_coverage){0};
    for (uint64_t seed = first; seed < last; seed++) {
        struct scenario scenario;
        struct plain_run oracle;
        scenario_init(&scenario, seed);
        plain_engine_run(&scenario.config, SCENARIO_INSTANCE, step_time, scenario.arrivals, scenario.n_arrivals,
                         scenario.gaps_from, &oracle);
        for (int mode = ENGINE_PLAIN; mode <= ENGINE_FAST_FORWARD; mode++) {
            /* Every mode with telemetry on the way for some seeds, in one go for others. */
            const simtime chunk = (seed + (uint64_t)mode) % 2 ? scenario.config.telemetry_period : 0;
            struct outcome run;
            scenario_run(&scenario, step_time, (enum engine_stepping)mode, chunk, &run);
            compare(&oracle, &run, seed, modes[mode]);
            if (mode == ENGINE_FAST_FORWARD) {
                coverage->fast_forwarded += run.counters.fast_forwarded;
                coverage->plain_steps += run.counters.plain_steps;
            }
            outcome_fini(&run);
        }
        coverage->steps += oracle.steps;
        coverage->preemptions += oracle.preemptions;
        coverage->evicted += oracle.evicted;
        for (int i = 0; i < PLAIN_EVENTS; i++) {
            coverage->seen[i] += oracle.seen[i];
            coverage->runs[i] += oracle.seen[i] > 0;
        }
        plain_run_fini(&oracle);
        scenario_fini(&scenario);
    }
    step_time_destroy(step_time);
}

void check_coverage(const struct oracle_coverage *coverage, uint64_t least)
{
    print_message("%" PRIu64 " steps (%" PRIu64 " fast-forwarded, %" PRIu64 " sequence by sequence), %" PRIu64
                  " preemptions, %" PRIu64 " evictions\n",
                  coverage->steps, coverage->fast_forwarded, coverage->plain_steps, coverage->preemptions,
                  coverage->evicted);
    bool all = true;
    for (int i = 0; i < PLAIN_EVENTS; i++) {
        /* With one token a decode no turn ever needs more than in the step before, except the one whose chunk the
         * budget cut, and that is the last of the list: the budget always reaches everybody. */
        const bool enough = i == PLAIN_STALLED_BY_BUDGET ? coverage->runs[i] == 0 : coverage->runs[i] >= least;
        print_message("%s%-45s %8" PRIu64 " times in %6" PRIu64 " scenarios\n", enough ? "  " : "! ",
                      plain_event_name((enum plain_event)i), coverage->seen[i], coverage->runs[i]);
        all = all && enough;
    }
    assert_true(all);
    assert_true(coverage->fast_forwarded > 0 && coverage->plain_steps > 0 && coverage->evicted > 0);
}
