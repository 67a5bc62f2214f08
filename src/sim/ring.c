#include "sim/ring.h"

#include "kv/pool.h"

#include <assert.h>

_Static_assert(NO_HOME == ASIM_NONE, "a program without a home has none for the router either");

/* The router is shown the prompt if it wants to see it. */
static struct asim_request request_of(const struct cluster *cluster, uint64_t key, uint32_t slot, uint32_t home)
{
    struct asim_request request = {.program = key >> 24, .turn = ready_turn_number(key), .home = home};
    if (router_wants_prompt(cluster->router)) {
        router_show_prompt(cluster->router,
                           orchestrator_prompt(cluster->orchestrator, slot, request.turn, &request.prompt_toks));
    }
    return request;
}

/* The gateway keeps a turn that was held, and knows of one that was sent. */
static void note_routed(struct gateway *gateway, const struct asim_request *request, const struct gateway_turn *turn,
                        uint32_t chosen, simtime now)
{
    if (chosen == ASIM_HELD) {
        struct gateway_turn held = *turn;
        held.time = now;
        held.prompt_toks = request->prompt_toks;
        held.kv_blocks = 0;
        gateway_hold(gateway, &held);
    } else if (chosen != ASIM_NONE) {
        gateway_note_sent(gateway, turn->key, chosen, now);
    }
}

uint32_t ring_route(struct cluster *cluster, const struct ready_turn *turn)
{
    const struct asim_request request = request_of(cluster, turn->key, turn->slot, turn->home);
    const uint32_t chosen = router_route(cluster->router, &request, turn->time);
    struct gateway *gateway = router_gateway(cluster->router);
    if (gateway) {
        const struct gateway_turn routed = {
            .key = turn->key, .service = turn->service, .slot = turn->slot, .home = turn->home};
        note_routed(gateway, &request, &routed, chosen, turn->time);
    }
    return chosen;
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
                                 .lead = bounded ? call.lead : SIMTIME_NEVER,
                                 .next_service = call.next_service,
                                 .may_be_late = router_gateway(cluster->router) != NULL};
}

void ring_deliver(const struct cluster *cluster, uint32_t instance, uint32_t slot, uint32_t turn, uint32_t kv_blocks,
                  simtime time, bool bounded)
{
    struct turn_arrival arrival = ring_arrival(cluster, slot, turn, bounded);
    arrival.time = time;
    arrival.kv_blocks = kv_blocks;
    struct turn_facts facts;
    if (instance_wants_facts(cluster->instances[instance])) {
        facts = orchestrator_facts(cluster->orchestrator, slot, turn);
        arrival.facts = &facts;
    }
    if (cluster->plan.engine.logs_decisions) {
        instance_log_route(cluster->instances[instance], &arrival,
                           orchestrator_home(cluster->orchestrator, slot, turn));
    }
    instance_deliver(cluster->instances[instance], &arrival);
}

uint32_t ring_advance_node(const struct cluster *cluster, uint32_t index, struct event_key limit)
{
    const struct instance *ended = node_advance(cluster->nodes[index / ring_together(cluster)], limit);
    return ended ? instance_id(ended) : ASIM_NONE;
}

/* What the turn could have hit of its program's context: whole blocks, and at most all but the last token. */
static uint32_t kept_toks(const struct cluster *cluster, const struct turn_end *end)
{
    const uint32_t kept = orchestrator_kept_toks(cluster->orchestrator, end->slot, end->record.turn);
    const uint32_t most = end->record.prompt_toks - 1;
    const uint32_t toks = kept < most ? kept : most;
    return toks - toks % cluster->plan.engine.block_size;
}

enum turn_outcome ring_end(const struct cluster *cluster, const struct turn_end *end, struct recorder *recorder,
                           struct ready_turn *next)
{
    struct orchestrator *orchestrator = cluster->orchestrator;
    struct turn_record record = end->record;
    record.kept_toks = kept_toks(cluster, end);
    recorder_turn(recorder, &record, orchestrator_sums(orchestrator, end->slot, record.turn));
    struct program_record program;
    const enum turn_outcome outcome = orchestrator_turn_ended(orchestrator, end->slot, &end->record, next, &program);
    if (outcome == TURN_WAS_LAST) {
        recorder_program(recorder, &program, orchestrator_all_sums(orchestrator, end->slot));
        next->time = program.end;
    }
    return outcome;
}

/* ---- the gateway ---- */

size_t ring_tell_end(const struct turn_end *end, enum turn_outcome outcome, const struct ready_turn *next,
                     struct gateway_end out[RING_ENDS])
{
    const struct turn_record *record = &end->record;
    out[0] = (struct gateway_end){.time = record->last_token,
                                  .key = record->program << 24 | record->turn,
                                  .completion = {.program = record->program,
                                                 .turn = record->turn,
                                                 .instance = record->instance,
                                                 .prompt_toks = record->prompt_toks,
                                                 .output_toks = record->output_toks,
                                                 .hit_toks = record->hit_toks,
                                                 .ready = record->ready,
                                                 .arrived = record->arrived,
                                                 .first_scheduled = record->first_scheduled,
                                                 .first_token = record->first_token,
                                                 .ended = record->last_token}};
    if (outcome != TURN_WAS_LAST) {
        return 1;
    }
    out[1] = gateway_program_end(record->program, next->time);
    return 2;
}

struct gateway_turn ring_unserved(const struct cluster *cluster, const struct turn_end *end)
{
    const struct turn_record *record = &end->record;
    const uint32_t home = orchestrator_home(cluster->orchestrator, end->slot, record->turn);
    const struct ready_turn ready = orchestrator_ready(cluster->orchestrator, end->slot, record->turn, home);
    return (struct gateway_turn){.time = record->last_token + cluster->settings.dispatch_latency,
                                 .key = ready.key,
                                 .service = ready.service,
                                 .slot = end->slot,
                                 .home = home,
                                 .kv_blocks = end->kv_blocks,
                                 .kv_at = end->kv_to};
}

uint32_t ring_route_again(struct cluster *cluster, const struct gateway_turn *turn, simtime now)
{
    const struct asim_request request = request_of(cluster, turn->key, turn->slot, turn->home);
    struct gateway *gateway = router_gateway(cluster->router);
    uint32_t chosen = turn->to;
    if (chosen == ASIM_NONE) {
        chosen = router_route(cluster->router, &request, now);
    } else {
        router_send(cluster->router, &request, chosen, SENT_MOVED, now);
    }
    note_routed(gateway, &request, turn, chosen, now);
    return chosen;
}

bool ring_tick(struct cluster *cluster, bool more_come, const struct ring_orders *orders)
{
    struct gateway *gateway = router_gateway(cluster->router);
    const simtime now = gateway_next_tick(gateway);
    const simtime latency = cluster->settings.dispatch_latency;
    if (!gateway_tick(gateway, cluster->programs.started, more_come)) {
        return false;
    }
    size_t n;
    const struct gateway_turn *turns = gateway_releases(gateway, &n);
    for (size_t i = 0; i < n; i++) {
        const struct asim_request request = request_of(cluster, turns[i].key, turns[i].slot, turns[i].home);
        router_send(cluster->router, &request, turns[i].to, SENT_RELEASED, now);
        gateway_note_sent(gateway, turns[i].key, turns[i].to, now);
        orders->send(orders->user, &turns[i], now);
    }
    const struct gateway_recall *recalls = gateway_recalls(gateway, &n);
    for (size_t i = 0; i < n; i++) {
        const struct turn_recall recall = {.program = recalls[i].key >> 24,
                                           .turn = ready_turn_number(recalls[i].key),
                                           .kv_to = recalls[i].kv_to,
                                           .time = now + latency,
                                           .lead = latency};
        instance_recall(cluster->instances[recalls[i].instance], &recall);
        orders->recall(orders->user, recalls[i].instance, recall.time, recall.time + latency);
    }
    return true;
}

bool ring_report_fault(const struct cluster *cluster, struct diag *diag)
{
    for (uint32_t i = cluster->first_instance; i < cluster->end_instance; i++) {
        const struct policy_fault *fault = instance_fault(cluster->instances[i]);
        if (fault) {
            policy_fault_report(fault, diag);
            return true;
        }
    }
    return false;
}

/* Every program has ended; false, with an error, when some wait for what will never come. */
static bool all_ended(const struct cluster *cluster, struct diag *diag)
{
    if (cluster->n_ranks > 1 || cluster_in_progress(cluster) == 0) {
        return true;
    }
    struct gateway *gateway = router_gateway(cluster->router);
    if (gateway && !gateway_is_empty(gateway)) {
        policy_fault_report(router_fault(cluster->router), diag);
        return false;
    }
    diag_error(
        diag, ASIM_INTERNAL, (struct diag_where){0},
        "the simulation is stuck at %.6f s: %llu programs are in progress and nothing is to happen any more; this "
        "is a defect of the simulator, please report it with the configuration",
        simtime_to_s(cluster->now), (unsigned long long)cluster_in_progress(cluster));
    return false;
}

bool ring_finish(const struct cluster *cluster, struct diag *diag)
{
    if (!all_ended(cluster, diag)) {
        return false;
    }
    const uint32_t together = ring_together(cluster);
    for (uint32_t i = cluster->first_instance; i < cluster->end_instance; i += together) {
        const uint32_t left = cluster->end_instance - i;
        instance_drain(&cluster->instances[i], together < left ? together : left);
    }
#ifndef NDEBUG
    assert(cluster->programs.started + cluster->programs.dropped == workload_stats(cluster->workload)->n_programs);
    for (uint32_t i = cluster->first_instance; i < cluster->end_instance; i++) {
        const struct kv_pool *pool = instance_pool(cluster->instances[i]);
        assert(instance_turns_inside(cluster->instances[i]) == 0);
        assert(kv_free(pool) == kv_usable(pool));
        kv_pool_check(pool);
        instance_check(cluster->instances[i]);
    }
#endif
    return true;
}
