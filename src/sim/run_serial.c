#include "sim/run_serial.h"

#include "base/min_tree.h"
#include "kv/pool.h"

#include <assert.h>

/* Events between two pulses: some milliseconds of wall time. */
enum { PULSE_EVENTS = 4096 };

/* The tree holds, for every instance, a lower bound of its next output; the instance with the least one is advanced
 * until it has an output or another event may come first. */
struct serial {
    struct cluster *cluster;
    struct min_tree outputs;
};

static void refresh(struct serial *serial, uint32_t instance)
{
    min_tree_set(&serial->outputs, instance, instance_earliest_output(serial->cluster->instances[instance]));
}

/* The turns that just ended at `instance` go back to the orchestrator. */
static void take_ends(struct serial *serial, uint32_t instance)
{
    struct cluster *cluster = serial->cluster;
    uint32_t n;
    const struct turn_end *ends = instance_take_ends(cluster->instances[instance], &n);
    for (uint32_t i = 0; i < n; i++) {
        assert(ends[i].record.last_token >= cluster->now);
        cluster->now = ends[i].record.last_token;
        struct program_sums *sums = orchestrator_sums(cluster->orchestrator, ends[i].slot);
        recorder_turn(cluster->recorder, &ends[i].record, sums);
        struct program_record program;
        if (orchestrator_turn_ended(cluster->orchestrator, ends[i].slot, cluster->now, &program)) {
            recorder_program(cluster->recorder, &program, sums);
            router_forget(cluster->router, ends[i].slot);
            orchestrator_program_done(cluster->orchestrator, ends[i].slot);
        }
    }
    cluster->events += n;
}

/* The router sees every instance as of one telemetry instant; nothing that happens up to `now` ends a turn unseen. */
static void refresh_views(struct serial *serial, simtime now)
{
    struct cluster *cluster = serial->cluster;
    const simtime instant = router_wants_snapshot(cluster->router, now);
    if (instant < 0) {
        return;
    }
    for (uint32_t i = 0; i < cluster->plan.n_instances; i++) {
        struct instance *instance = cluster->instances[i];
        const bool ended = instance_advance(instance, (struct event_key){.time = now, .phase = PHASE_ROUTING});
        assert(!ended);
        (void)ended;
        const struct load_snapshot snapshot = instance_snapshot(instance, instant);
        router_observe(cluster->router, i, &snapshot);
        refresh(serial, i);
    }
    router_snapshots_done(cluster->router, instant);
}

static void dispatch(struct serial *serial, const struct ready_turn *turn)
{
    struct cluster *cluster = serial->cluster;
    refresh_views(serial, turn->ready);
    const struct routing_request request = {.program = turn->program->id,
                                            .turn = turn->turn,
                                            .prompt_toks = turn->prompt_toks,
                                            .home = router_home(cluster->router, turn->slot)};
    const uint32_t chosen = router_route(cluster->router, turn->slot, &request);
    const struct turn_arrival arrival = {.program = turn->program->id,
                                         .turn = turn->turn,
                                         .slot = turn->slot,
                                         .ready = turn->ready,
                                         .time = turn->ready + cluster->settings.dispatch_latency,
                                         .content = turn->content,
                                         .prompt_toks = turn->prompt_toks,
                                         .output_toks = turn->output_toks,
                                         .shared_output = turn->shared_output};
    instance_deliver(cluster->instances[chosen], &arrival);
    refresh(serial, chosen);
}

/* One event of the orchestrator. */
static void step_orchestrator(struct serial *serial, struct event_key key)
{
    struct cluster *cluster = serial->cluster;
    struct ready_turn turn;
    cluster->now = key.time;
    if (orchestrator_step(cluster->orchestrator, &turn)) {
        dispatch(serial, &turn);
    }
    cluster->events++;
}

#ifndef NDEBUG
/* After a whole run nothing may be left anywhere: each turn that started has ended, and every KV block is free. */
static void check_all_done(const struct cluster *cluster)
{
    const struct orchestrator_counters *programs = orchestrator_counters(cluster->orchestrator);
    assert(orchestrator_in_progress(cluster->orchestrator) == 0);
    assert(programs->completed + programs->dropped == workload_stats(cluster->workload)->n_programs);
    for (uint32_t i = 0; i < cluster->plan.n_instances; i++) {
        const struct kv_pool *pool = instance_pool(cluster->instances[i]);
        assert(instance_turns_inside(cluster->instances[i]) == 0);
        assert(kv_free(pool) == kv_usable(pool));
        kv_pool_check(pool);
        instance_check(cluster->instances[i]);
    }
}
#endif

bool run_serial(struct cluster *cluster, run_pulse pulse, void *user)
{
    struct serial serial = {.cluster = cluster};
    min_tree_init(&serial.outputs, cluster->plan.n_instances);
    bool going = true;
    for (uint64_t rounds = 1; going; rounds++) {
        const struct event_key ready = orchestrator_next(cluster->orchestrator);
        const uint32_t first = min_tree_first(&serial.outputs);
        const struct event_key output = min_tree_key(&serial.outputs, first);
        if (event_before(ready, output)) {
            step_orchestrator(&serial, ready);
        } else if (output.time == SIMTIME_NEVER) {
            break;
        } else {
            /* At least the bound itself must be passed for the bound to move. */
            const struct event_key limit = event_min(ready, min_tree_second(&serial.outputs));
            const struct event_key past = {.time = output.time, .phase = output.phase + 1};
            if (instance_advance(cluster->instances[first], event_before(limit, past) ? past : limit)) {
                take_ends(&serial, first);
            }
            refresh(&serial, first);
        }
        going =
            !orchestrator_failed(cluster->orchestrator) && (!pulse || rounds % PULSE_EVENTS || !pulse(user, cluster));
    }
    min_tree_fini(&serial.outputs);
#ifndef NDEBUG
    if (going) {
        check_all_done(cluster);
    }
#endif
    return going;
}
