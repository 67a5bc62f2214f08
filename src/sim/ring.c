#include "sim/ring.h"

#include "kv/pool.h"

#include <assert.h>

_Static_assert(NO_HOME == NO_INSTANCE, "a program without a home has none for the router either");

uint32_t ring_route(struct cluster *cluster, const struct ready_turn *turn)
{
    const struct routing_request request = {
        .program = turn->key >> 24, .turn = ready_turn_number(turn->key), .home = turn->home};
    return router_route(cluster->router, &request);
}

struct turn_arrival ring_arrival(const struct cluster *cluster, uint32_t slot, uint32_t turn, bool bounded)
{
    const struct turn_call call = orchestrator_call(cluster->orchestrator, slot, turn);
    return (struct turn_arrival){.program = call.program,
                                 .turn = call.turn,
                                 .slot = slot,
                                 .ready = call.ready,
                                 .time = call.ready + cluster->settings.dispatch_latency,
                                 .content = call.content,
                                 .prompt_toks = call.prompt_toks,
                                 .output_toks = call.output_toks,
                                 .shared_output = call.shared_output,
                                 .owner = orchestrator_memory(cluster->orchestrator, slot),
                                 .lead = bounded ? call.lead : SIMTIME_NEVER};
}

void ring_deliver(const struct cluster *cluster, uint32_t instance, uint32_t slot, uint32_t turn, bool bounded)
{
    const struct turn_arrival arrival = ring_arrival(cluster, slot, turn, bounded);
    instance_deliver(cluster->instances[instance], &arrival);
}

enum turn_outcome ring_end(const struct cluster *cluster, const struct turn_end *end, struct recorder *recorder,
                           struct ready_turn *next)
{
    struct orchestrator *orchestrator = cluster->orchestrator;
    recorder_turn(recorder, &end->record, orchestrator_sums(orchestrator, end->slot, end->record.turn));
    struct program_record program;
    const enum turn_outcome outcome = orchestrator_turn_ended(orchestrator, end->slot, &end->record, next, &program);
    if (outcome == TURN_WAS_LAST) {
        recorder_program(recorder, &program, orchestrator_all_sums(orchestrator, end->slot));
        next->time = program.end;
    }
    return outcome;
}

void ring_check_all_done(const struct cluster *cluster)
{
#ifndef NDEBUG
    assert(cluster->n_ranks > 1 || cluster_in_progress(cluster) == 0);
    assert(cluster->programs.started + cluster->programs.dropped == workload_stats(cluster->workload)->n_programs);
    for (uint32_t i = cluster->first_instance; i < cluster->end_instance; i++) {
        const struct kv_pool *pool = instance_pool(cluster->instances[i]);
        assert(instance_turns_inside(cluster->instances[i]) == 0);
        assert(kv_free(pool) == kv_usable(pool));
        kv_pool_check(pool);
        instance_check(cluster->instances[i]);
    }
#else
    (void)cluster;
#endif
}
