#include "sim/windows.h"

#include "base/mem.h"

void line_create(struct windows *windows)
{
    const struct settings *settings = &windows->cluster->settings;
    windows->upcoming = mem_alloc(UPCOMING * sizeof *windows->upcoming);
    heap_init(&windows->clients);
    for (uint64_t client = 0; windows->closed && client < settings->max_concurrency; client++) {
        heap_push(&windows->clients, (struct heap_entry){.key = 0, .tie = client});
    }
    windows->has_next = orchestrator_next_program(windows->cluster->orchestrator, &windows->next);
}

void line_destroy(struct windows *windows)
{
    mem_free(windows->upcoming);
    heap_fini(&windows->clients);
}

void line_up(struct windows *windows, simtime until)
{
    const uint64_t clients = windows->cluster->settings.max_concurrency;
    const uint32_t most = windows->closed && clients < UPCOMING / 2 ? (uint32_t)(2 * clients) : UPCOMING;
    while (windows->has_next && windows->n_upcoming < most && (windows->closed || windows->next.arrival < until)) {
        struct upcoming *upcoming = windows_upcoming(windows, windows->n_upcoming++);
        upcoming->program = windows->next;
        upcoming->slot = orchestrator_take_slot(windows->cluster->orchestrator);
        windows->has_next = orchestrator_next_program(windows->cluster->orchestrator, &windows->next);
    }
}

void line_prepare(const struct windows *windows, struct upcoming *upcoming)
{
    struct orchestrator *orchestrator = windows->cluster->orchestrator;
    upcoming->outcome = orchestrator_prepare(orchestrator, upcoming->slot, upcoming->program.id);
    const bool is_there = upcoming->outcome != PREPARED_UNSOUND;
    upcoming->service = is_there ? orchestrator_first_service(orchestrator, upcoming->slot) : 0;
    upcoming->roots = is_there ? orchestrator_roots(orchestrator, upcoming->slot) : 0;
    orchestrator_draw_arrival(orchestrator, upcoming->program.id);
}

/* When the first free client is ready. */
static simtime next_client(const struct windows *windows)
{
    return windows->clients.n
               ? orchestrator_client_ready(windows->cluster->orchestrator, heap_top(&windows->clients)->key)
               : SIMTIME_NEVER;
}

simtime line_next(const struct windows *windows, uint64_t *key)
{
    if (!windows->n_prepared) {
        return SIMTIME_NEVER;
    }
    const struct next_program *program = &windows_upcoming(windows, 0)->program;
    *key = program->id << 24;
    return windows->closed ? next_client(windows) : program->arrival;
}

simtime line_next_unprepared(const struct windows *windows, uint64_t *key)
{
    if (windows->n_prepared == windows->n_upcoming && !windows->has_next) {
        return SIMTIME_NEVER;
    }
    if (windows->closed) {
        *key = 0;
        return windows->n_prepared ? SIMTIME_NEVER : next_client(windows);
    }
    const struct next_program *program = windows->n_prepared < windows->n_upcoming
                                             ? &windows_upcoming(windows, windows->n_prepared)->program
                                             : &windows->next;
    *key = program->id << 24;
    return program->arrival;
}

uint32_t line_start(struct windows *windows, simtime time, struct ready_turn *out, uint32_t *client)
{
    struct cluster *cluster = windows->cluster;
    const struct upcoming *upcoming = windows_upcoming(windows, 0);
    *client = windows->closed ? (uint32_t)heap_top(&windows->clients)->tie : 0;
    windows->upcoming_first = (windows->upcoming_first + 1) % UPCOMING;
    windows->n_upcoming--;
    windows->n_prepared--;
    if (upcoming->outcome == PREPARED_TOO_LONG) {
        orchestrator_report_long_prompt(cluster->orchestrator, upcoming->slot, windows->diag);
        windows->failed = true;
    }
    windows->failed |= upcoming->outcome == PREPARED_UNSOUND;
    if (upcoming->outcome == PREPARED_DROPPED || upcoming->outcome == PREPARED_TOO_LONG ||
        upcoming->outcome == PREPARED_UNSOUND) {
        cluster->programs.dropped++;
        orchestrator_give_slot(cluster->orchestrator, upcoming->slot);
        return 0;
    }
    cluster->programs.started++;
    cluster->programs.truncated += upcoming->outcome == PREPARED_TRUNCATED;
    if (time >= SIMTIME_LIMIT) {
        orchestrator_report_late_turn(cluster->orchestrator, upcoming->slot, 0, windows->diag);
        windows->failed = true;
        return 0;
    }
    if (windows->closed) {
        heap_pop(&windows->clients);
    }
    *out = (struct ready_turn){.time = time,
                               .key = upcoming->program.id << 24,
                               .slot = upcoming->slot,
                               .home = NO_HOME,
                               .service = upcoming->service};
    return upcoming->roots;
}
