#include "base/mem.h"
#include "orchestrator/orchestrator_internal.h"

#include <assert.h>

/* The first turn whose prompt is too long, or n_turns. */
static uint32_t first_long_turn(const struct orchestrator_options *options, const struct program *program)
{
    uint32_t turn = 0;
    while (turn < program->n_turns && prompt_fits(options, &program->turns[turn])) {
        turn++;
    }
    return turn;
}

static void report_long_prompt(const struct orchestrator_options *options, const struct program *program, uint32_t turn,
                               struct diag *diag)
{
    diag_error(diag, ASIM_INPUT, (struct diag_where){.file = options->source, .line = program->line},
               "program '%s', turn %u of %u: a prompt of %u tokens and its output do not fit max_model_len = %u; "
               "allowed: a larger --max-model-len, or --on-long-prompt drop-program|truncate",
               program->name, turn + 1, program->n_turns, program->turns[turn].prompt_toks, options->max_model_len);
}

/* Refuses the long prompts of a file before anything runs; generated programs are looked at when they are prepared. A
 * file that knows its longest prompt is not walked when that fits. */
static bool check_prompts(const struct orchestrator_options *options, struct diag *diag)
{
    const uint64_t n_programs = workload_stats(options->workload)->n_programs;
    const uint64_t longest = workload_stats(options->workload)->longest_prompt;
    uint64_t too_long = 0;
    if (longest && longest <= options->max_model_len) {
        return true;
    }
    for (uint64_t id = 0; id < n_programs; id++) {
        const struct program *program = workload_fetch(options->workload, id, 0);
        if (!program) {
            return false;
        }
        const uint32_t turn = first_long_turn(options, program);
        if (turn < program->n_turns && too_long++ == 0) {
            report_long_prompt(options, program, turn, diag);
        }
        workload_release(options->workload, program, 0);
    }
    if (too_long > 1) {
        diag_error(diag, ASIM_INPUT, (struct diag_where){.file = options->source},
                   "%llu programs in all have prompts that are too long", (unsigned long long)too_long);
    }
    return too_long == 0;
}

struct orchestrator *orchestrator_create(const struct orchestrator_options *options, struct diag *diag)
{
    if (options->on_long_prompt == LONG_PROMPT_IS_ERROR && options->source && !check_prompts(options, diag)) {
        return NULL;
    }
    struct orchestrator *orchestrator = mem_zalloc(sizeof *orchestrator);
    orchestrator->options = *options;
    orchestrator->n_programs = workload_stats(options->workload)->n_programs;
    arrivals_init(&orchestrator->arrivals, options->workload, &options->arrivals);
    return orchestrator;
}

void orchestrator_destroy(struct orchestrator *orchestrator)
{
    if (!orchestrator) {
        return;
    }
    for (size_t i = 0; i < orchestrator->n_slots; i++) {
        if (!orchestrator->made[i]) {
            continue;
        }
        orchestrator_release(orchestrator, (uint32_t)i);
        struct progress *progress = slot_at(orchestrator, i);
        prompt_state_fini(&progress->prompts);
        orchestrator_free_truncated(progress->truncated);
        if (progress->nodes) {
            nodes_destroy(progress->nodes);
        }
    }
    for (size_t i = 0; i < orchestrator->n_chunks; i++) {
        mem_free(orchestrator->chunks[i]);
    }
    mem_free(orchestrator->chunks);
    mem_free(orchestrator->made);
    mem_free(orchestrator->free_slots);
    arrivals_fini(&orchestrator->arrivals);
    mem_free(orchestrator);
}

bool orchestrator_next_program(struct orchestrator *orchestrator, struct next_program *out)
{
    if (orchestrator_is_closed(&orchestrator->options)) {
        *out = (struct next_program){.id = orchestrator->next_program};
        return orchestrator->next_program < orchestrator->n_programs && ++orchestrator->next_program;
    }
    return arrivals_next(&orchestrator->arrivals, &out->id, &out->arrival);
}

void orchestrator_draw_arrival(const struct orchestrator *orchestrator, uint64_t program)
{
    arrivals_draw(&orchestrator->arrivals, program);
}

void orchestrator_add_slots(struct orchestrator *orchestrator)
{
    orchestrator->chunks = mem_grow(orchestrator->chunks, &orchestrator->chunk_capacity, orchestrator->n_chunks + 1,
                                    sizeof(struct progress *));
    orchestrator->chunks[orchestrator->n_chunks++] =
        mem_aligned(_Alignof(struct progress), SLOTS_PER_CHUNK * sizeof(struct progress));
    orchestrator->made = mem_grow(orchestrator->made, &orchestrator->made_capacity,
                                  orchestrator->n_slots + SLOTS_PER_CHUNK, sizeof *orchestrator->made);
    for (uint32_t i = 0; i < SLOTS_PER_CHUNK; i++) {
        orchestrator->made[orchestrator->n_slots] = false;
        orchestrator_reuse_slot(orchestrator, (uint32_t)orchestrator->n_slots++);
    }
    workload_reserve(orchestrator->options.workload, (uint32_t)orchestrator->n_slots - 1);
}

uint32_t orchestrator_take_slot(struct orchestrator *orchestrator)
{
    if (!orchestrator->n_free) {
        orchestrator_add_slots(orchestrator);
    }
    return orchestrator->free_slots[--orchestrator->n_free];
}

void orchestrator_release(struct orchestrator *orchestrator, uint32_t slot)
{
    if (slot_is_taken(orchestrator, slot)) {
        struct progress *progress = slot_at(orchestrator, slot);
        workload_release(orchestrator->options.workload, progress->borrowed, slot);
        progress->borrowed = NULL;
    }
}

void orchestrator_reuse_slot(struct orchestrator *orchestrator, uint32_t slot)
{
    orchestrator->free_slots = mem_grow(orchestrator->free_slots, &orchestrator->free_capacity,
                                        orchestrator->n_free + 1, sizeof *orchestrator->free_slots);
    orchestrator->free_slots[orchestrator->n_free++] = slot;
}

void orchestrator_give_slot(struct orchestrator *orchestrator, uint32_t slot)
{
    orchestrator_release(orchestrator, slot);
    orchestrator_reuse_slot(orchestrator, slot);
}

void orchestrator_report_long_prompt(const struct orchestrator *orchestrator, uint32_t slot, struct diag *diag)
{
    const struct program *program = &slot_at(orchestrator, slot)->program;
    report_long_prompt(&orchestrator->options, program, first_long_turn(&orchestrator->options, program), diag);
}

/* False when the workload's file is not sound there; its error is reported. */
static bool fetch(struct orchestrator *orchestrator, struct progress *progress, uint32_t slot, uint64_t program)
{
    if (!orchestrator->made[slot]) {
        *progress = (struct progress){0};
        prompt_state_init(&progress->prompts);
        orchestrator->made[slot] = true;
    }
    progress->borrowed = workload_fetch(orchestrator->options.workload, program, slot);
    if (!progress->borrowed) {
        return false;
    }
    progress->program = *progress->borrowed;
    prompt_state_reset(&progress->prompts);
    if (progress->program.graph) {
        nodes_prepare(progress);
    }
    return true;
}

enum prepared orchestrator_prepare(struct orchestrator *orchestrator, uint32_t slot, uint64_t program)
{
    const struct orchestrator_options *options = &orchestrator->options;
    struct progress *progress = slot_at(orchestrator, slot);
    if (!fetch(orchestrator, progress, slot, program)) {
        return PREPARED_UNSOUND;
    }
    progress->turn = 0;
    progress->started = false;
    progress->next_gap = orchestrator_gap(orchestrator, progress, 0);
    progress->next_service = orchestrator_service(orchestrator, progress, 0, progress->next_gap);
    if (first_long_turn(options, &progress->program) == progress->program.n_turns) {
        return PREPARED_READY;
    }
    return options->on_long_prompt == LONG_PROMPT_IS_TRUNCATED    ? PREPARED_TRUNCATED
           : options->on_long_prompt == LONG_PROMPT_DROPS_PROGRAM ? PREPARED_DROPPED
                                                                  : PREPARED_TOO_LONG;
}

static struct ready_turn make_ready(struct progress *progress, uint32_t slot, simtime time, uint32_t home)
{
    progress->ready = time;
    progress->gap = progress->next_gap;
    return (struct ready_turn){.time = time,
                               .key = progress->program.id << 24 | progress->turn,
                               .slot = slot,
                               .home = home,
                               .service = progress->next_service};
}

simtime orchestrator_first_service(const struct orchestrator *orchestrator, uint32_t slot)
{
    return slot_at(orchestrator, slot)->next_service;
}

struct ready_turn orchestrator_start(struct orchestrator *orchestrator, uint32_t slot, simtime time, uint32_t client)
{
    struct progress *progress = slot_at(orchestrator, slot);
    progress->started = true;
    progress->client = client;
    progress->arrival = time;
    progress->tool_time = 0;
    progress->attained = 0;
    progress->home = NO_HOME;
    progress->sums = (struct program_sums){0};
    if (progress->program.graph) {
        progress->ready = time;
        nodes_start(progress);
        return nodes_ready(orchestrator, progress, slot, 0);
    }
    return make_ready(progress, slot, time, NO_HOME);
}

uint32_t orchestrator_roots(const struct orchestrator *orchestrator, uint32_t slot)
{
    const struct program_graph *graph = slot_at(orchestrator, slot)->program.graph;
    return graph ? graph->n_roots : 1;
}

struct ready_turn orchestrator_root(const struct orchestrator *orchestrator, uint32_t slot, uint32_t root)
{
    assert(root < orchestrator_roots(orchestrator, slot));
    return nodes_ready(orchestrator, slot_at(orchestrator, slot), slot, root);
}

void orchestrator_free_truncated(struct extent_list *truncated)
{
    if (truncated) {
        extent_list_fini(truncated);
        mem_free(truncated);
    }
}

struct content orchestrator_truncate(struct extent_list **kept, struct content content, uint32_t full_prompt,
                                     uint32_t prompt_toks)
{
    if (!*kept) {
        *kept = mem_alloc(sizeof **kept);
        extent_list_init(*kept);
    }
    struct extent_list *list = *kept;
    list->n = 0;
    list->n_tokens = 0;
    uint32_t at = 0;
    for (uint32_t i = 0; i < content.n_extents; i++) {
        const struct extent extent = content.extents[i];
        const uint32_t end = at + extent.count;
        if (at < prompt_toks) {
            const uint32_t count = end < prompt_toks ? extent.count : prompt_toks - at;
            extent_list_append(list, (struct extent){extent.stream, extent.first, count});
        }
        if (end > full_prompt) {
            const uint32_t skip = at < full_prompt ? full_prompt - at : 0;
            extent_list_append(list, (struct extent){extent.stream, extent.first + skip, extent.count - skip});
        }
        at = end;
    }
    return extent_list_content(list);
}

struct content orchestrator_prompt(struct orchestrator *orchestrator, uint32_t slot, uint32_t number, uint32_t *toks)
{
    struct progress *progress = slot_at(orchestrator, slot);
    if (progress->program.graph) {
        return nodes_prompt(orchestrator, progress, number, toks);
    }
    const struct turn *turn = &progress->program.turns[number];
    const struct content content = prompt_build(&progress->prompts, &progress->program, number);
    *toks = orchestrator_prompt_toks(orchestrator, turn);
    return *toks < turn->prompt_toks ? orchestrator_truncate(&progress->truncated, content, turn->prompt_toks, *toks)
                                     : content;
}

struct turn_call orchestrator_call(struct orchestrator *orchestrator, uint32_t slot, uint32_t number)
{
    struct progress *progress = slot_at(orchestrator, slot);
    if (progress->program.graph) {
        return nodes_call(orchestrator, progress, number);
    }
    assert(number == progress->turn);
    const struct turn *turn = &progress->program.turns[progress->turn];
    progress->kept_toks = turn->kept_toks;
    struct turn_call call = {.program = progress->program.id,
                             .turn = progress->turn,
                             .ready = progress->ready,
                             .output_toks = turn->output_toks,
                             .shared_output = turn->shared_output,
                             .lead = orchestrator_lead(orchestrator, progress, progress->turn, progress->gap),
                             .next_service = SIMTIME_NEVER};
    call.content = orchestrator_prompt(orchestrator, slot, number, &call.prompt_toks);
    /* What the end of this turn asks of the next one, while the turns are at hand. */
    const uint32_t next = progress->turn + 1;
    if (next < progress->program.n_turns) {
        progress->next_gap = orchestrator_gap(orchestrator, progress, next);
        progress->next_service = orchestrator_service(orchestrator, progress, next, progress->next_gap);
        call.next_service = progress->next_service;
    }
    return call;
}

/* The present turn of a chain ended. */
static enum turn_outcome chain_ended(struct progress *progress, uint32_t slot, const struct turn_record *ended,
                                     struct ready_turn *next, simtime *end)
{
    assert(ended->turn == progress->turn);
    *end = ended->last_token;
    if (progress->turn + 1 == progress->program.n_turns) {
        return TURN_WAS_LAST;
    }
    const simtime gap = progress->gap;
    if (*end >= SIMTIME_LIMIT || gap >= SIMTIME_LIMIT - *end) {
        *next = (struct ready_turn){.key = progress->program.id << 24 | (progress->turn + 1)};
        return TURN_TOO_LATE;
    }
    progress->tool_time += gap;
    progress->attained += *end - ended->first_scheduled;
    progress->turn++;
    progress->home = ended->instance;
    *next = make_ready(progress, slot, *end + gap, ended->instance);
    return TURN_IS_FOLLOWED;
}

enum turn_outcome orchestrator_turn_ended(struct orchestrator *orchestrator, uint32_t slot,
                                          const struct turn_record *ended, struct ready_turn *next,
                                          struct program_record *record)
{
    struct progress *progress = slot_at(orchestrator, slot);
    const struct program *program = &progress->program;
    simtime end;
    const enum turn_outcome outcome = program->graph ? nodes_ended(orchestrator, progress, ended, next, &end)
                                                     : chain_ended(progress, slot, ended, next, &end);
    if (outcome == TURN_WAS_LAST) {
        *record = (struct program_record){.program = program->id,
                                          .name = program->name,
                                          .arrival = progress->arrival,
                                          .end = end,
                                          .tool_time = progress->tool_time,
                                          .deadline = orchestrator_deadline(progress),
                                          .tenant = program->tenant,
                                          .n_turns = program->n_turns};
    }
    return outcome;
}

struct program_state orchestrator_state(const struct orchestrator *orchestrator, uint32_t slot)
{
    const struct progress *progress = slot_at(orchestrator, slot);
    return (struct program_state){.program = progress->program.id,
                                  .turn = progress->turn,
                                  .client = progress->client,
                                  .ready = progress->ready,
                                  .arrival = progress->arrival,
                                  .tool_time = progress->tool_time,
                                  .attained = progress->attained,
                                  .sums = progress->sums};
}

struct ready_turn orchestrator_ready(const struct orchestrator *orchestrator, uint32_t slot, uint32_t turn,
                                     uint32_t home)
{
    const struct progress *progress = slot_at(orchestrator, slot);
    if (progress->program.graph) {
        return nodes_ready(orchestrator, progress, slot, turn);
    }
    return (struct ready_turn){.time = progress->ready,
                               .key = progress->program.id << 24 | progress->turn,
                               .slot = slot,
                               .home = home,
                               .service = orchestrator_service(orchestrator, progress, progress->turn, progress->gap)};
}

bool orchestrator_resume(struct orchestrator *orchestrator, uint32_t slot, const struct program_state *state)
{
    struct progress *progress = slot_at(orchestrator, slot);
    if (!fetch(orchestrator, progress, slot, state->program) || state->turn >= progress->program.n_turns) {
        return false;
    }
    progress->started = true;
    progress->turn = state->turn;
    progress->client = state->client;
    progress->ready = state->ready;
    progress->gap = orchestrator_gap(orchestrator, progress, state->turn);
    progress->kept_toks = progress->program.turns[state->turn].kept_toks;
    progress->arrival = state->arrival;
    progress->tool_time = state->tool_time;
    progress->attained = state->attained;
    progress->sums = state->sums;
    if (progress->program.graph) {
        nodes_start(progress);
    }
    return true;
}

struct program_sums *orchestrator_sums(struct orchestrator *orchestrator, uint32_t slot, uint32_t turn)
{
    struct progress *progress = slot_at(orchestrator, slot);
    return progress->program.graph ? nodes_sums(progress, turn) : &progress->sums;
}

const struct program_sums *orchestrator_all_sums(const struct orchestrator *orchestrator, uint32_t slot)
{
    return &slot_at(orchestrator, slot)->sums;
}

uint64_t orchestrator_turns_beside(const struct orchestrator *orchestrator)
{
    uint64_t n = 0;
    for (size_t slot = 0; slot < orchestrator->n_slots; slot++) {
        const struct progress *progress = slot_at(orchestrator, slot);
        if (slot_is_taken(orchestrator, slot) && progress->started && progress->program.graph) {
            n += nodes_live(progress) - 1;
        }
    }
    return n;
}

uint32_t orchestrator_client(const struct orchestrator *orchestrator, uint32_t slot)
{
    return slot_at(orchestrator, slot)->client;
}

simtime orchestrator_client_ready(const struct orchestrator *orchestrator, simtime free)
{
    const simtime setup = orchestrator->options.arrivals.client_setup;
    return setup < SIMTIME_LIMIT - free ? free + setup : SIMTIME_LIMIT;
}

void orchestrator_report_late_turn(const struct orchestrator *orchestrator, uint32_t slot, uint32_t turn,
                                   struct diag *diag)
{
    const struct progress *progress = slot_at(orchestrator, slot);
    diag_error(diag, ASIM_INPUT,
               (struct diag_where){.file = orchestrator->options.source, .line = progress->program.line},
               "program '%s', turn %u of %u is ready only after 100 days of simulated time; allowed: less",
               progress->program.name, turn + 1, progress->program.n_turns);
}

const void *orchestrator_memory(const struct orchestrator *orchestrator, uint32_t slot)
{
    return slot_at(orchestrator, slot);
}

void orchestrator_prefetch(const struct orchestrator *orchestrator, uint32_t slot)
{
    const char *memory = (const char *)slot_at(orchestrator, slot);
    for (size_t line = 0; line < sizeof(struct progress); line += 64) {
        __builtin_prefetch(memory + line);
    }
}

void orchestrator_prefetch_turn(const struct orchestrator *orchestrator, uint32_t slot)
{
    const struct progress *progress = slot_at(orchestrator, slot);
    const struct turn *turn = &progress->program.turns[progress->turn];
    __builtin_prefetch(turn);
    __builtin_prefetch((const char *)(turn + 2) - 1); /* the one behind it is looked at as well */
}
