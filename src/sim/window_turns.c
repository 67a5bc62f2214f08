#include "sim/windows.h"

#include "base/mem.h"
#include "pdes/calendar_sort.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A turn that is ready inside the window whose turns have been routed, and does not surely stay where it is: the
 * lookahead was wrong, and every result after it would be. */
void windows_check_lookahead(const struct windows *windows, uint32_t at, simtime time, uint64_t key)
{
    if (time < windows->end.time && !(at != NO_HOME && homes_may_stay(windows, at, time))) {
        fprintf(stderr,
                "asim: program %" PRIu64 ", turn %" PRIu64 " is ready at %" PRId64 " ps, inside its own window (up to "
                "%" PRId64 " ps)\n",
                key >> 24, key & 0xffffff, time, windows->end.time);
        abort();
    }
}

/* `at`: the instance that is worked on. */
static void keep_ready(struct windows *windows, struct lane *lane, uint32_t at, const struct ready_turn *turn)
{
    windows_check_lookahead(windows, turn->home == at ? at : NO_HOME, turn->time, turn->key);
    if (windows->homing && turn->home == at) {
        homes_keep(windows, lane, turn);
        return;
    }
    const struct calendar_entry entry = {.time = turn->time,
                                         .tie = turn->key,
                                         .a = place_pack(windows->cluster->rank, turn->home, turn->slot),
                                         .b = turn->service};
    if (turn->time >= windows->horizon) {
        calendar_push(&lane->ready, entry);
    } else {
        due_reserve(&lane->fresh, lane->fresh.n + 1);
        lane->fresh.entries[lane->fresh.n++] = entry;
    }
}

static void free_slot(struct lane *lane, uint32_t slot)
{
    lane->freed = mem_grow(lane->freed, &lane->freed_capacity, lane->n_freed + 1, sizeof *lane->freed);
    lane->freed[lane->n_freed++] = slot;
}

static void free_client(struct lane *lane, simtime time, uint32_t client)
{
    lane->clients = mem_grow(lane->clients, &lane->clients_capacity, lane->n_clients + 1, sizeof *lane->clients);
    lane->clients[lane->n_clients++] = (struct heap_entry){.key = time, .tie = client};
}

/* The earliest one is reported, whoever finds it. */
static void note_late(struct lane *lane, const struct turn_end *end, uint32_t turn)
{
    const struct turn_record *record = &end->record;
    const struct late_turn late = {.time = record->last_token,
                                   .key = record->program << 24 | record->turn,
                                   .slot = end->slot,
                                   .turn = turn,
                                   .any = true};
    if (late_turn_before(&late, &lane->late)) {
        lane->late = late;
    }
}

void windows_take_ends(struct windows *windows, struct lane *lane, uint32_t index)
{
    const struct cluster *cluster = windows->cluster;
    struct instance *instance = cluster->instances[index];
    uint32_t n;
    const struct turn_end *ends = instance_take_ends(instance, &n);
    for (uint32_t i = 0; i < n; i++) {
        if (ends[i].unserved) {
            tick_note_unserved(windows, lane, &ends[i]);
            continue;
        }
        struct ready_turn next;
        uint32_t edge = 0;
        const enum turn_outcome outcome = ring_end(cluster, &ends[i], lane->recorder, &next);
        if (windows->gateway) {
            tick_note_end(lane, &ends[i], outcome, &next);
        }
        switch (outcome) {
        case TURN_IS_FOLLOWED:
            keep_ready(windows, lane, index, &next);
            break;
        case TURN_RELEASES:
            while (orchestrator_next_released(cluster->orchestrator, ends[i].slot, &ends[i].record, &edge, &next)) {
                keep_ready(windows, lane, index, &next);
            }
            break;
        case TURN_IS_OVER:
            break;
        case TURN_WAS_LAST:
            if (windows->closed) {
                free_client(lane, next.time, orchestrator_client(cluster->orchestrator, ends[i].slot));
            }
            orchestrator_release(cluster->orchestrator, ends[i].slot);
            free_slot(lane, ends[i].slot);
            break;
        case TURN_TOO_LATE:
            note_late(lane, &ends[i], ready_turn_number(next.key));
        }
    }
    lane->ends += n;
}

/* ---- what becomes due ---- */

/* Merges two ordered arrays into *out. */
static void merge(const struct calendar_entry *a, size_t n_a, const struct calendar_entry *b, size_t n_b,
                  struct due *out)
{
    due_reserve(out, n_a + n_b);
    struct calendar_entry *at = out->entries;
    while (n_a && n_b) {
        if (calendar_entry_before(a, b)) {
            *at++ = *a++;
            n_a--;
        } else {
            *at++ = *b++;
            n_b--;
        }
    }
    if (n_a + n_b) {
        memcpy(at, n_a ? a : b, (n_a + n_b) * sizeof *at);
    }
    out->n = (size_t)(at - out->entries) + n_a + n_b;
}

/* In order: what was due before and is not routed yet, what came in this window, what the calendar held. */
void windows_take_due(struct windows *windows, struct lane *lane)
{
    struct due *due = &lane->due;
    struct due *fresh = &lane->fresh;
    struct due *scratch = &lane->scratch;
    due_reserve(scratch, fresh->n);
    calendar_sort(fresh->entries, fresh->n, scratch->entries);
    merge(due->entries + lane->due_next, due->n - lane->due_next, fresh->entries, fresh->n, scratch);
    calendar_take(&lane->ready, windows->next_horizon, &lane->taken);
    merge(scratch->entries, scratch->n, lane->taken.entries, lane->taken.n, due);
    lane->due_next = 0;
    fresh->n = 0;
}
