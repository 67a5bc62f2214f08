#include "sim/run_serial.h"

#include "base/heap.h"
#include "base/min_tree.h"

#include <assert.h>

/* Events between two pulses: some milliseconds of wall time. */
enum { PULSE_EVENTS = 4096 };

/* The tree holds, for every instance, a lower bound of its next output; the instance with the least one is advanced
 * until it has an output or another event may come first. */
struct serial {
    struct cluster *cluster;
    struct diag *diag;
    struct min_tree outputs;
    struct heap ready;   /* turns by (time, key); payload: slot, home above it */
    struct heap clients; /* closed loop: free clients by (time, client) */
    struct next_program next;
    bool has_next;
    struct gateway *gateway; /* NULL: the router's policy neither hears of ends nor ticks */
    bool closed;             /* loop */
    struct event_key stop;   /* of the run, or an earlier instant at which the residency of KV is asked for */
    bool failed;
    bool has_fault; /* a policy inside an instance answered nonsense; reported at the end */
};

static void refresh(struct serial *serial, uint32_t instance)
{
    serial->has_fault |= instance_fault(serial->cluster->instances[instance]) != NULL;
    min_tree_set(&serial->outputs, instance, instance_earliest_output(serial->cluster->instances[instance]));
}

static void push_ready(struct serial *serial, const struct ready_turn *turn)
{
    heap_push(
        &serial->ready,
        (struct heap_entry){.key = turn->time, .tie = turn->key, .payload = (uint64_t)turn->home << 32 | turn->slot});
}

/* The turns that just ended at `instance` go back to the orchestrator. */
static void take_ends(struct serial *serial, uint32_t instance)
{
    struct cluster *cluster = serial->cluster;
    uint32_t n;
    const struct turn_end *ends = instance_take_ends(cluster->instances[instance], &n);
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t slot = ends[i].slot;
        assert(ends[i].record.last_token >= cluster->now);
        cluster->now = ends[i].record.last_token;
        if (ends[i].unserved) {
            const struct gateway_turn turn = ring_unserved(cluster, &ends[i]);
            gateway_add_return(serial->gateway, &turn);
            continue;
        }
        struct ready_turn next;
        uint32_t edge = 0;
        const enum turn_outcome outcome = ring_end(cluster, &ends[i], cluster->recorders[0], &next);
        if (serial->gateway) {
            struct gateway_end told[RING_ENDS];
            gateway_add_ends(serial->gateway, told, ring_tell_end(&ends[i], outcome, &next, told));
        }
        switch (outcome) {
        case TURN_IS_FOLLOWED:
            push_ready(serial, &next);
            break;
        case TURN_RELEASES:
            while (orchestrator_next_released(cluster->orchestrator, slot, &ends[i].record, &edge, &next)) {
                push_ready(serial, &next);
            }
            break;
        case TURN_IS_OVER:
            break;
        case TURN_WAS_LAST:
            if (serial->closed) {
                heap_push(
                    &serial->clients,
                    (struct heap_entry){.key = next.time, .tie = orchestrator_client(cluster->orchestrator, slot)});
            }
            orchestrator_give_slot(cluster->orchestrator, slot);
            break;
        case TURN_TOO_LATE:
            orchestrator_report_late_turn(cluster->orchestrator, slot, ready_turn_number(next.key), serial->diag);
            serial->failed = true;
        }
    }
    cluster->events += n;
}

/* The router sees every instance as of one instant; nothing that happens up to `now` ends a turn unseen. */
static void refresh_views(struct serial *serial, simtime now)
{
    struct cluster *cluster = serial->cluster;
    const simtime instant = router_wants_snapshot(cluster->router, now);
    if (instant < 0) {
        return;
    }
    const bool exact = cluster->settings.router_view == SETTING_VIEW_EXACT;
    for (uint32_t i = 0; i < cluster->plan.n_instances; i++) {
        struct instance *instance = cluster->instances[i];
        if (i % ring_together(cluster) == 0) {
            const uint32_t ended = ring_advance(cluster, i, (struct event_key){.time = now, .phase = PHASE_ROUTING});
            assert(ended == ASIM_NONE);
            (void)ended;
        }
        const struct load_snapshot snapshot = exact ? instance_state(instance) : instance_snapshot(instance, instant);
        router_observe(cluster->router, i, &snapshot);
        refresh(serial, i);
    }
    router_snapshots_done(cluster->router, instant);
    if (serial->gateway) {
        gateway_tell(serial->gateway, instant);
    }
}

/* The next program in line starts, for `client` of a closed loop; false when it is dropped. */
static bool start_program(struct serial *serial, simtime time, uint32_t client)
{
    struct cluster *cluster = serial->cluster;
    struct orchestrator *orchestrator = cluster->orchestrator;
    const uint64_t id = serial->next.id;
    cluster->events++;
    const uint32_t slot = orchestrator_take_slot(orchestrator);
    serial->has_next = orchestrator_next_program(orchestrator, &serial->next);
    const enum prepared prepared = orchestrator_prepare(orchestrator, slot, id);
    if (prepared == PREPARED_TOO_LONG) {
        orchestrator_report_long_prompt(orchestrator, slot, serial->diag);
        serial->failed = true;
    }
    serial->failed |= prepared == PREPARED_UNSOUND;
    if (prepared == PREPARED_DROPPED || prepared == PREPARED_TOO_LONG || prepared == PREPARED_UNSOUND) {
        cluster->programs.dropped++;
        orchestrator_give_slot(orchestrator, slot);
        return false;
    }
    cluster->programs.started++;
    cluster->programs.truncated += prepared == PREPARED_TRUNCATED;
    if (time >= SIMTIME_LIMIT) {
        orchestrator_report_late_turn(orchestrator, slot, 0, serial->diag);
        serial->failed = true;
        return true;
    }
    struct ready_turn turn = orchestrator_start(orchestrator, slot, time, client);
    push_ready(serial, &turn);
    const uint32_t roots = orchestrator_roots(orchestrator, slot);
    for (uint32_t root = 1; root < roots; root++) {
        turn = orchestrator_root(orchestrator, slot, root);
        push_ready(serial, &turn);
    }
    return true;
}

/* The first free client takes programs until one is not dropped. */
static void serve_client(struct serial *serial)
{
    const struct heap_entry client = heap_pop(&serial->clients);
    const simtime ready = orchestrator_client_ready(serial->cluster->orchestrator, client.key);
    while (serial->has_next && !start_program(serial, ready, (uint32_t)client.tie)) {
    }
}

/* A turn goes to an instance, unless it is held. */
static void deliver(struct serial *serial, uint32_t chosen, uint32_t slot, uint64_t key, uint32_t kv_blocks,
                    simtime now)
{
    struct cluster *cluster = serial->cluster;
    if (chosen == ASIM_NONE) {
        policy_fault_report(router_fault(cluster->router), serial->diag);
        serial->failed = true;
    } else if (chosen != ASIM_HELD) {
        cluster->events++;
        ring_deliver(cluster, chosen, slot, ready_turn_number(key), kv_blocks, now + cluster->settings.dispatch_latency,
                     false);
        refresh(serial, chosen);
    }
}

/* A turn is back that was asked for. */
static void dispatch_again(struct serial *serial)
{
    struct cluster *cluster = serial->cluster;
    uint64_t key;
    const simtime now = gateway_first_return(serial->gateway, &key);
    refresh_views(serial, now);
    const struct gateway_turn turn = gateway_take_return(serial->gateway);
    const uint32_t chosen = ring_route_again(cluster, &turn, now);
    deliver(serial, chosen, turn.slot, turn.key, ring_kv_blocks(&turn, chosen), now);
}

static bool is_return_next(const struct serial *serial)
{
    uint64_t key = 0;
    const simtime time = serial->gateway ? gateway_first_return(serial->gateway, &key) : SIMTIME_NEVER;
    const struct heap_entry *ready = serial->ready.n ? heap_top(&serial->ready) : NULL;
    return time != SIMTIME_NEVER && (!ready || time < ready->key || (time == ready->key && key < ready->tie));
}

static void send_released(void *user, const struct gateway_turn *turn, simtime now)
{
    struct serial *serial = user;
    deliver(serial, turn->to, turn->slot, turn->key, 0, now);
}

static void note_recall(void *user, uint32_t instance, simtime arrival, simtime effect)
{
    (void)arrival;
    (void)effect;
    refresh(user, instance);
}

/* The router looks at the cluster. */
static void tick(struct serial *serial)
{
    struct cluster *cluster = serial->cluster;
    const struct ring_orders orders = {.send = send_released, .recall = note_recall, .user = serial};
    cluster->now = gateway_next_tick(serial->gateway);
    refresh_views(serial, cluster->now);
    if (!ring_tick(cluster, serial->has_next, &orders)) {
        policy_fault_report(router_fault(cluster->router), serial->diag);
        serial->failed = true;
    }
}

static void dispatch(struct serial *serial)
{
    struct cluster *cluster = serial->cluster;
    const struct heap_entry top = heap_pop(&serial->ready);
    const struct ready_turn turn = {
        .time = top.key, .key = top.tie, .slot = (uint32_t)top.payload, .home = (uint32_t)(top.payload >> 32)};
    refresh_views(serial, turn.time);
    deliver(serial, ring_route(cluster, &turn), turn.slot, turn.key, 0, turn.time);
}

/* The next event of programs: one that starts, or a turn that is ready. */
static struct event_key next_release(const struct serial *serial)
{
    struct event_key next = EVENT_NEVER;
    if (serial->ready.n) {
        next = (struct event_key){.time = heap_top(&serial->ready)->key, .phase = PHASE_ROUTING};
    }
    if (serial->has_next && (!serial->closed || serial->clients.n)) {
        const simtime time = serial->closed ? heap_top(&serial->clients)->key : serial->next.arrival;
        next = event_min(next, (struct event_key){.time = time, .phase = PHASE_RELEASE});
    }
    if (serial->gateway) {
        uint64_t key;
        const simtime back = gateway_first_return(serial->gateway, &key);
        if (back != SIMTIME_NEVER) {
            next = event_min(next, (struct event_key){.time = back, .phase = PHASE_ROUTING});
        }
    }
    return next;
}

/* A tick comes before what is released at its instant. */
static struct event_key next_tick(const struct serial *serial)
{
    const simtime time = serial->gateway ? gateway_next_tick(serial->gateway) : SIMTIME_NEVER;
    return time == SIMTIME_NEVER ? EVENT_NEVER : (struct event_key){.time = time, .phase = PHASE_RELEASE};
}

static void step_release(struct serial *serial, struct event_key key)
{
    serial->cluster->now = key.time;
    if (key.phase == PHASE_ROUTING && is_return_next(serial)) {
        dispatch_again(serial);
    } else if (key.phase == PHASE_ROUTING) {
        dispatch(serial);
    } else if (serial->closed) {
        serve_client(serial);
    } else {
        start_program(serial, key.time, 0);
    }
}

/* Advances the instance with the least bound, at least past the bound itself so that it moves. */
static void step_instance(struct serial *serial, struct event_key until)
{
    const uint32_t first = min_tree_first(&serial->outputs);
    const struct event_key output = min_tree_key(&serial->outputs, first);
    const struct event_key limit = event_min(event_min(until, serial->stop), min_tree_second(&serial->outputs));
    const struct event_key past = {.time = output.time, .phase = output.phase + 1};
    const uint32_t ended = ring_advance(serial->cluster, first, event_before(limit, past) ? past : limit);
    if (ended != ASIM_NONE) {
        take_ends(serial, ended);
    }
    const uint32_t together = ring_together(serial->cluster);
    const uint32_t group = first - first % together;
    for (uint32_t i = group; i < group + together && i < serial->cluster->plan.n_instances; i++) {
        refresh(serial, i);
    }
}

/* Brings every instance to the stop; no turn ends before. */
static void advance_to_stop(struct serial *serial)
{
    for (uint32_t i = 0; i < serial->cluster->plan.n_instances; i += ring_together(serial->cluster)) {
        const uint32_t ended = ring_advance(serial->cluster, i, serial->stop);
        assert(ended == ASIM_NONE);
        (void)ended;
    }
}

/* The end of the run, or an earlier instant at which the residency of KV is asked for. */
static void set_stop(struct serial *serial)
{
    const struct cluster *cluster = serial->cluster;
    const simtime end = cluster->settings.stop_at;
    const simtime residency = cluster_next_residency(cluster);
    const simtime first = end == SETTING_UNSET_TIME || residency < end ? residency : end;
    serial->stop = first == SIMTIME_NEVER ? EVENT_NEVER : (struct event_key){.time = first, .phase = PHASE_STEP_END};
}

/* Nothing happens before the stop. True when the run goes on behind it. */
static bool pass_stop(struct serial *serial)
{
    struct cluster *cluster = serial->cluster;
    const simtime time = serial->stop.time;
    advance_to_stop(serial);
    if (time != cluster_next_residency(cluster) || time == SIMTIME_NEVER) {
        return false;
    }
    residency_table_take(cluster->residency, cluster, serial->has_next);
    for (uint32_t i = 0; i < cluster->plan.n_instances; i++) {
        refresh(serial, i);
    }
    set_stop(serial);
    return time != cluster->settings.stop_at;
}

bool run_serial(struct cluster *cluster, run_pulse pulse, void *user, struct diag *diag)
{
    struct serial serial = {.cluster = cluster,
                            .diag = diag,
                            .gateway = router_gateway(cluster->router),
                            .closed = cluster->settings.arrivals == SETTING_ARRIVALS_CLOSED};
    const simtime stop = cluster->settings.stop_at;
    set_stop(&serial);
    cluster_populate(cluster, 0, cluster->plan.n_instances);
    for (uint32_t i = 0; i < cluster->plan.n_instances; i++) {
        instance_note_gaps(cluster->instances[i], recorder_gaps(cluster->recorders[0]), cluster->settings.warmup);
    }
    min_tree_init(&serial.outputs, cluster->plan.n_instances);
    heap_init(&serial.ready);
    heap_init(&serial.clients);
    for (uint64_t client = 0; serial.closed && client < cluster->settings.max_concurrency; client++) {
        heap_push(&serial.clients, (struct heap_entry){.key = 0, .tie = client});
    }
    serial.has_next = orchestrator_next_program(cluster->orchestrator, &serial.next);
    bool stopped = false;
    for (uint64_t rounds = 1; !serial.failed && !serial.has_fault && !stopped; rounds++) {
        const struct event_key tick_at = next_tick(&serial);
        const struct event_key release = event_min(next_release(&serial), tick_at);
        const struct event_key output = min_tree_key(&serial.outputs, min_tree_first(&serial.outputs));
        if (!event_before(event_min(release, output), serial.stop)) {
            if (!pass_stop(&serial)) {
                break;
            }
            continue;
        }
        if (event_before(release, output) && release.time == tick_at.time && release.phase == tick_at.phase) {
            tick(&serial);
        } else if (event_before(release, output)) {
            step_release(&serial, release);
        } else {
            step_instance(&serial, release);
        }
        stopped = pulse && rounds % PULSE_EVENTS == 0 && pulse(user, cluster);
    }
    serial.failed |= serial.has_fault && ring_report_fault(cluster, diag);
    min_tree_fini(&serial.outputs);
    heap_fini(&serial.ready);
    heap_fini(&serial.clients);
    if (!serial.failed && !stopped && stop == SETTING_UNSET_TIME) {
        serial.failed = !ring_finish(cluster, diag);
    }
    return !serial.failed && !stopped;
}
