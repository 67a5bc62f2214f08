#include "sim/checkpoint_line.h"

#include "base/mem.h"
#include "orchestrator/checkpoint.h"
#include "sim/windows.h"

#include <inttypes.h>

enum { SECTION_VERSION = 1 };

/* Bytes of a program in line, of a client, of a change of a view. */
enum { UPCOMING_BYTES = 16, CLIENT_BYTES = 16, CHANGE_BYTES = 32 };

void checkpoint_save_line(const struct windows *windows, struct store_writer *writer)
{
    store_begin(writer, "line", SECTION_VERSION);
    store_put_u64(writer, windows->n_upcoming + windows->has_next);
    for (uint32_t i = 0; i < windows->n_upcoming; i++) {
        store_put_u64(writer, windows_upcoming(windows, i)->program.id);
        store_put_i64(writer, windows_upcoming(windows, i)->program.arrival);
    }
    if (windows->has_next) {
        store_put_u64(writer, windows->next.id);
        store_put_i64(writer, windows->next.arrival);
    }
    store_put_u64(writer, windows->clients.n);
    for (size_t i = 0; i < windows->clients.n; i++) {
        store_put_i64(writer, windows->clients.entries[i].key);
        store_put_u64(writer, windows->clients.entries[i].tie);
    }
    store_put_u64(writer, windows->n_changes - windows->next_change);
    for (size_t i = windows->next_change; i < windows->n_changes; i++) {
        const struct state_change *change = &windows->changes[i];
        store_put_i64(writer, change->time);
        store_put_u32(writer, change->instance);
        store_put_u32(writer, change->state.running);
        store_put_u32(writer, change->state.waiting);
        store_put_u32(writer, change->state.used_blocks);
        store_put_u64(writer, change->state.received);
    }
    store_end(writer);
}

/* The programs that come next: prepared anew, but for the last one when it does not fit in the line. */
static void load_upcoming(struct windows *windows, struct store_reader *reader)
{
    struct cluster *cluster = windows->cluster;
    const uint64_t n_programs = workload_stats(cluster->workload)->n_programs;
    const uint64_t n = store_get_count(reader, UPCOMING_BYTES);
    if (n > UPCOMING + 1) {
        store_refuse(reader, "%" PRIu64 " programs in line; at most %d", n, UPCOMING + 1);
    }
    simtime before = windows->closed ? 0 : windows->end.time;
    windows->has_next = false;
    for (uint64_t i = 0; i < n && !store_failed(reader); i++) {
        struct next_program program;
        program.id = store_get_u64(reader);
        program.arrival = store_get_i64(reader);
        if (program.id >= n_programs || program.arrival < before || program.arrival > SIMTIME_LIMIT) {
            store_refuse(reader,
                         "program %" PRIu64 " of %" PRIu64 " is in line for %" PRId64 " ps, after %" PRId64 " ps",
                         program.id, n_programs, program.arrival, before);
            return;
        }
        before = program.arrival;
        if (i == UPCOMING) {
            windows->next = program;
            windows->has_next = true;
            break;
        }
        struct upcoming *upcoming = windows_upcoming(windows, windows->n_upcoming++);
        upcoming->program = program;
        upcoming->slot = orchestrator_take_slot(cluster->orchestrator);
        line_prepare(windows, upcoming);
    }
    if (!windows->closed && n && before != orchestrator_last_arrival(cluster->orchestrator)) {
        store_refuse(reader, "the last program in line comes at %" PRId64 " ps, the last that came at %" PRId64 " ps",
                     before, orchestrator_last_arrival(cluster->orchestrator));
    }
    if (!windows->has_next && !store_failed(reader)) {
        windows->has_next = orchestrator_next_program(cluster->orchestrator, &windows->next);
    }
}

static void load_clients(struct windows *windows, struct store_reader *reader)
{
    const uint64_t n_clients = windows->closed ? windows->cluster->settings.max_concurrency : 0;
    const uint64_t n = store_get_count(reader, CLIENT_BYTES);
    const bool line = windows->n_upcoming || windows->has_next;
    windows->clients.n = 0;
    for (uint64_t i = 0; i < n && !store_failed(reader); i++) {
        struct heap_entry client = {0};
        client.key = store_get_i64(reader);
        client.tie = store_get_u64(reader);
        const bool sound = checkpoint_time(client.key) && client.tie < n_clients;
        if (!sound ||
            (line && orchestrator_client_ready(windows->cluster->orchestrator, client.key) < windows->end.time)) {
            store_refuse(reader, "client %" PRIu64 " of %" PRIu64 " cannot be free at %" PRId64 " ps", client.tie,
                         n_clients, client.key);
            return;
        }
        heap_push(&windows->clients, client);
    }
}

static void load_changes(struct windows *windows, struct store_reader *reader)
{
    const uint64_t n = store_get_count(reader, CHANGE_BYTES);
    simtime before = 0;
    windows->changes = mem_grow(windows->changes, &windows->changes_capacity, n, sizeof *windows->changes);
    for (uint64_t i = 0; i < n && !store_failed(reader); i++) {
        struct state_change *change = &windows->changes[windows->n_changes++];
        change->time = store_get_i64(reader);
        change->instance = store_get_u32(reader);
        change->state.running = store_get_u32(reader);
        change->state.waiting = store_get_u32(reader);
        change->state.used_blocks = store_get_u32(reader);
        change->state.received = store_get_u64(reader);
        if (!windows->exact || change->time < before || change->instance >= windows->cluster->plan.n_instances ||
            change->state.received > router_sent(windows->cluster->router, change->instance)) {
            store_refuse(reader, "no instance %" PRIu32 " can have changed at %" PRId64 " ps", change->instance,
                         change->time);
        }
        before = change->time;
    }
}

void checkpoint_load_line(struct windows *windows, struct store_reader *reader, uint64_t in_progress)
{
    struct cluster *cluster = windows->cluster;
    store_enter(reader, "line", SECTION_VERSION);
    load_upcoming(windows, reader);
    load_clients(windows, reader);
    load_changes(windows, reader);
    const uint64_t taken = orchestrator_programs_taken(cluster->orchestrator);
    const uint64_t line = windows->n_upcoming + windows->has_next;
    if (taken != cluster->programs.started + cluster->programs.dropped + line ||
        (windows->closed && windows->clients.n + in_progress != cluster->settings.max_concurrency)) {
        store_refuse(reader, "%" PRIu64 " programs have come, %" PRIu64 " are in line: others started", taken, line);
    }
    store_leave(reader);
}
