#include "orchestrator/orchestrator.h"

#include "base/heap.h"
#include "base/mem.h"
#include "workload/prompt.h"

#include <assert.h>
#include <string.h>

/* A program in progress. */
struct progress {
    const struct program *program;
    struct prompt_state prompts;
    struct extent_list truncated; /* the content of the present turn, where its prompt was cut */
    uint32_t turn;                /* ready, or at an instance */
    uint32_t client;
    uint32_t next_free;
    simtime arrival;
    simtime tool_time;
    struct program_sums sums; /* over its finished turns */
};

enum { NO_SLOT = UINT32_MAX };

struct orchestrator {
    struct orchestrator_options options;
    struct arrivals arrivals;
    bool has_arrival; /* open loop: the next arrival is known */
    uint64_t arriving;
    simtime arrival_time;
    uint64_t n_programs;
    uint64_t next_program; /* closed loop: head of the queue */
    struct heap clients;   /* closed loop: free clients by (time, client) */
    struct heap ready;     /* turns by (time, program and turn); payload: slot */
    struct progress **slots;
    size_t n_slots, slot_capacity;
    uint32_t free_slot;
    struct diag *diag; /* of the caller, for what only shows while programs are made */
    bool failed;
    struct orchestrator_counters counters;
};

static bool prompt_fits(const struct orchestrator_options *options, const struct turn *turn)
{
    return (uint64_t)turn->prompt_toks + (turn->output_toks > 0) <= options->max_model_len;
}

/* The first turn whose prompt is too long, or n_turns. */
static uint32_t first_long_turn(const struct orchestrator_options *options, const struct program *program)
{
    uint32_t turn = 0;
    while (turn < program->n_turns && prompt_fits(options, &program->turns[turn])) {
        turn++;
    }
    return turn;
}

static void next_arrival(struct orchestrator *orchestrator)
{
    orchestrator->has_arrival =
        arrivals_next(&orchestrator->arrivals, &orchestrator->arriving, &orchestrator->arrival_time);
}

static void report_long_prompt(const struct orchestrator *orchestrator, const struct program *program, uint32_t turn)
{
    const struct orchestrator_options *options = &orchestrator->options;
    diag_error(orchestrator->diag, ASIM_INPUT, (struct diag_where){.file = options->source, .line = program->line},
               "program '%s', turn %u of %u: a prompt of %u tokens and its output do not fit max_model_len = %u; "
               "allowed: a larger --max-model-len, or --on-long-prompt drop-program|truncate",
               program->name, turn + 1, program->n_turns, program->turns[turn].prompt_toks, options->max_model_len);
}

/* Refuses the long prompts of a file before anything runs; generated programs are looked at when they start. */
static bool check_prompts(struct orchestrator *orchestrator)
{
    const struct orchestrator_options *options = &orchestrator->options;
    uint64_t too_long = 0;
    for (uint64_t id = 0; id < orchestrator->n_programs; id++) {
        const struct program *program = workload_fetch(options->workload, id, 0);
        const uint32_t turn = first_long_turn(options, program);
        if (turn < program->n_turns && too_long++ == 0) {
            report_long_prompt(orchestrator, program, turn);
        }
        workload_release(options->workload, program, 0);
    }
    if (too_long > 1) {
        diag_error(orchestrator->diag, ASIM_INPUT, (struct diag_where){.file = options->source},
                   "%llu programs in all have prompts that are too long", (unsigned long long)too_long);
    }
    return too_long == 0;
}

struct orchestrator *orchestrator_create(const struct orchestrator_options *options, struct diag *diag)
{
    struct orchestrator *orchestrator = mem_zalloc(sizeof *orchestrator);
    orchestrator->options = *options;
    orchestrator->free_slot = NO_SLOT;
    orchestrator->n_programs = workload_stats(options->workload)->n_programs;
    heap_init(&orchestrator->clients);
    heap_init(&orchestrator->ready);
    arrivals_init(&orchestrator->arrivals, options->workload, &options->arrivals);
    orchestrator->diag = diag;
    if (options->on_long_prompt == LONG_PROMPT_IS_ERROR && options->source && !check_prompts(orchestrator)) {
        orchestrator_destroy(orchestrator);
        return NULL;
    }
    if (options->arrivals.process == ARRIVALS_CLOSED) {
        for (uint32_t client = 0; client < options->arrivals.clients; client++) {
            heap_push(&orchestrator->clients, (struct heap_entry){.key = 0, .tie = client});
        }
    } else {
        next_arrival(orchestrator);
    }
    return orchestrator;
}

void orchestrator_destroy(struct orchestrator *orchestrator)
{
    if (!orchestrator) {
        return;
    }
    for (size_t i = 0; i < orchestrator->n_slots; i++) {
        struct progress *progress = orchestrator->slots[i];
        if (progress->program) {
            workload_release(orchestrator->options.workload, progress->program, (uint32_t)i);
        }
        prompt_state_fini(&progress->prompts);
        extent_list_fini(&progress->truncated);
        mem_free(progress);
    }
    mem_free(orchestrator->slots);
    heap_fini(&orchestrator->clients);
    heap_fini(&orchestrator->ready);
    arrivals_fini(&orchestrator->arrivals);
    mem_free(orchestrator);
}

static uint32_t take_slot(struct orchestrator *orchestrator)
{
    if (orchestrator->free_slot == NO_SLOT) {
        orchestrator->slots = mem_grow(orchestrator->slots, &orchestrator->slot_capacity, orchestrator->n_slots + 1,
                                       sizeof(struct progress *));
        struct progress *progress = mem_zalloc(sizeof *progress);
        prompt_state_init(&progress->prompts);
        extent_list_init(&progress->truncated);
        progress->next_free = NO_SLOT;
        orchestrator->free_slot = (uint32_t)orchestrator->n_slots;
        orchestrator->slots[orchestrator->n_slots++] = progress;
    }
    const uint32_t slot = orchestrator->free_slot;
    orchestrator->free_slot = orchestrator->slots[slot]->next_free;
    return slot;
}

static void give_slot(struct orchestrator *orchestrator, uint32_t slot)
{
    struct progress *progress = orchestrator->slots[slot];
    workload_release(orchestrator->options.workload, progress->program, slot);
    progress->program = NULL;
    progress->next_free = orchestrator->free_slot;
    orchestrator->free_slot = slot;
}

/* The slot's turn is ready `delay` after `from`, unless simulated time ends before. */
static void push_ready(struct orchestrator *orchestrator, uint32_t slot, simtime from, simtime delay)
{
    const struct progress *progress = orchestrator->slots[slot];
    if (from >= SIMTIME_LIMIT || delay >= SIMTIME_LIMIT - from) {
        diag_error(orchestrator->diag, ASIM_INPUT,
                   (struct diag_where){.file = orchestrator->options.source, .line = progress->program->line},
                   "program '%s', turn %u of %u is ready only after 100 days of simulated time; allowed: less",
                   progress->program->name, progress->turn + 1, progress->program->n_turns);
        orchestrator->failed = true;
        return;
    }
    heap_push(
        &orchestrator->ready,
        (struct heap_entry){.key = from + delay, .tie = progress->program->id << 24 | progress->turn, .payload = slot});
}

/* Starts program `id`, whose first turn is ready at `time`; false when it is dropped. */
static bool start_program(struct orchestrator *orchestrator, uint64_t id, simtime time, uint32_t client)
{
    const struct orchestrator_options *options = &orchestrator->options;
    const uint32_t slot = take_slot(orchestrator);
    struct progress *progress = orchestrator->slots[slot];
    progress->program = workload_fetch(options->workload, id, slot);
    const uint32_t long_turn = first_long_turn(options, progress->program);
    if (long_turn < progress->program->n_turns) {
        if (options->on_long_prompt == LONG_PROMPT_IS_TRUNCATED) {
            orchestrator->counters.truncated_programs++;
        } else {
            if (options->on_long_prompt == LONG_PROMPT_IS_ERROR) {
                report_long_prompt(orchestrator, progress->program, long_turn);
                orchestrator->failed = true;
            }
            orchestrator->counters.dropped++;
            give_slot(orchestrator, slot);
            return false;
        }
    }
    prompt_state_reset(&progress->prompts);
    progress->turn = 0;
    progress->client = client;
    progress->arrival = time;
    progress->tool_time = 0;
    progress->sums = (struct program_sums){0};
    orchestrator->counters.started++;
    push_ready(orchestrator, slot, time, 0);
    return true;
}

struct event_key orchestrator_next(const struct orchestrator *orchestrator)
{
    struct event_key next = EVENT_NEVER;
    if (orchestrator->ready.n) {
        next = (struct event_key){.time = heap_top(&orchestrator->ready)->key, .phase = PHASE_ROUTING};
    }
    if (orchestrator->has_arrival) {
        next = event_min(next, (struct event_key){.time = orchestrator->arrival_time, .phase = PHASE_RELEASE});
    }
    if (orchestrator->clients.n && orchestrator->next_program < orchestrator->n_programs) {
        next =
            event_min(next, (struct event_key){.time = heap_top(&orchestrator->clients)->key, .phase = PHASE_RELEASE});
    }
    return next;
}

/* The first free client takes programs until one is not dropped. */
static void serve_client(struct orchestrator *orchestrator)
{
    const struct heap_entry client = heap_pop(&orchestrator->clients);
    const simtime setup = orchestrator->options.arrivals.client_setup;
    const simtime time = setup < SIMTIME_LIMIT - client.key ? client.key + setup : SIMTIME_LIMIT;
    while (orchestrator->next_program < orchestrator->n_programs) {
        if (start_program(orchestrator, orchestrator->next_program++, time, (uint32_t)client.tie)) {
            return;
        }
    }
}

/* Keeps `prompt_toks` tokens of a longer prompt; the output follows. */
static struct content truncate(struct progress *progress, struct content content, uint32_t full_prompt,
                               uint32_t prompt_toks)
{
    struct extent_list *list = &progress->truncated;
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

static void describe_ready(struct orchestrator *orchestrator, uint32_t slot, simtime time, struct ready_turn *out)
{
    struct progress *progress = orchestrator->slots[slot];
    const struct turn *turn = &progress->program->turns[progress->turn];
    *out = (struct ready_turn){.program = progress->program,
                               .slot = slot,
                               .turn = progress->turn,
                               .ready = time,
                               .content = prompt_build(&progress->prompts, progress->program, progress->turn),
                               .prompt_toks = turn->prompt_toks,
                               .output_toks = turn->output_toks,
                               .shared_output = turn->shared_output};
    if (!prompt_fits(&orchestrator->options, turn)) {
        out->prompt_toks = orchestrator->options.max_model_len - (turn->output_toks > 0);
        out->content = truncate(progress, out->content, turn->prompt_toks, out->prompt_toks);
    }
}

bool orchestrator_step(struct orchestrator *orchestrator, struct ready_turn *out)
{
    const struct event_key next = orchestrator_next(orchestrator);
    assert(next.time != SIMTIME_NEVER);
    if (next.phase == PHASE_ROUTING) {
        const struct heap_entry entry = heap_pop(&orchestrator->ready);
        describe_ready(orchestrator, (uint32_t)entry.payload, entry.key, out);
        return true;
    }
    if (orchestrator->has_arrival) {
        start_program(orchestrator, orchestrator->arriving, orchestrator->arrival_time, 0);
        next_arrival(orchestrator);
    } else {
        serve_client(orchestrator);
    }
    return false;
}

bool orchestrator_turn_ended(struct orchestrator *orchestrator, uint32_t slot, simtime end,
                             struct program_record *record)
{
    struct progress *progress = orchestrator->slots[slot];
    const struct program *program = progress->program;
    if (progress->turn + 1 < program->n_turns) {
        const simtime gap = tool_gap(orchestrator->options.tool, program, progress->turn);
        progress->tool_time += gap;
        progress->turn++;
        push_ready(orchestrator, slot, end, gap);
        return false;
    }
    *record = (struct program_record){.program = program->id,
                                      .name = program->name,
                                      .arrival = progress->arrival,
                                      .end = end,
                                      .tool_time = progress->tool_time,
                                      .n_turns = program->n_turns};
    if (orchestrator->options.arrivals.process == ARRIVALS_CLOSED) {
        heap_push(&orchestrator->clients, (struct heap_entry){.key = end, .tie = progress->client});
    }
    orchestrator->counters.completed++;
    return true;
}

struct program_sums *orchestrator_sums(struct orchestrator *orchestrator, uint32_t slot)
{
    return &orchestrator->slots[slot]->sums;
}

void orchestrator_program_done(struct orchestrator *orchestrator, uint32_t slot)
{
    give_slot(orchestrator, slot);
}

bool orchestrator_failed(const struct orchestrator *orchestrator)
{
    return orchestrator->failed;
}

const struct orchestrator_counters *orchestrator_counters(const struct orchestrator *orchestrator)
{
    return &orchestrator->counters;
}

uint64_t orchestrator_in_progress(const struct orchestrator *orchestrator)
{
    return orchestrator->counters.started - orchestrator->counters.completed;
}
