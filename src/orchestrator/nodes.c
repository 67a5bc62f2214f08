/* Programs that are graphs: the state of their turns, and the joins.
 *
 * Two parents of a turn may end on two threads at once. Each raises the turn's times (a maximum) and then counts itself
 * down (the order of memory is made there); who counts down to zero was the last, sees all that the others wrote, and
 * releases the turn. The end of a program is found in the same way, over its sinks. A thread that has counted down a
 * sink which was not the last touches the program no more; any other turn has a child, so the program outlives it.
 */
#include "base/mem.h"
#include "orchestrator/orchestrator_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

typedef _Atomic simtime shared_time;

/* A turn. */
struct node {
    shared_time ready;    /* so far: at the latest parent that has ended */
    shared_time critical; /* so far, likewise */
    atomic_uint waiting;  /* for so many parents */
    uint32_t instance;    /* once it has ended, with */
    simtime end;          /* -1: it has not */
    simtime execution;
    struct program_sums sums;
    struct prompt_state prompts;
    struct extent_list *truncated; /* as in struct progress */
};

struct nodes {
    atomic_uint sinks; /* that have not ended */
    shared_time end;   /* the latest of those that have */
    uint32_t capacity;
    struct node by_turn[];
};

static void raise(shared_time *time, simtime to)
{
    simtime seen = atomic_load_explicit(time, memory_order_relaxed);
    while (seen < to &&
           !atomic_compare_exchange_weak_explicit(time, &seen, to, memory_order_relaxed, memory_order_relaxed)) {
    }
}

/* True for who counts down to zero. */
static bool count_down(atomic_uint *count)
{
    return atomic_fetch_sub_explicit(count, 1, memory_order_acq_rel) == 1;
}

void nodes_destroy(struct nodes *nodes)
{
    for (uint32_t i = 0; i < nodes->capacity; i++) {
        prompt_state_fini(&nodes->by_turn[i].prompts);
        orchestrator_free_truncated(nodes->by_turn[i].truncated);
    }
    mem_free(nodes);
}

void nodes_prepare(struct progress *progress)
{
    const uint32_t n = progress->program.n_turns;
    if (progress->nodes && progress->nodes->capacity >= n) {
        for (uint32_t i = 0; i < n; i++) { /* a router may ask for a prompt before the program starts */
            prompt_state_reset(&progress->nodes->by_turn[i].prompts);
        }
        return;
    }
    if (progress->nodes) {
        nodes_destroy(progress->nodes);
    }
    progress->nodes = mem_zalloc(sizeof *progress->nodes + n * sizeof progress->nodes->by_turn[0]);
    progress->nodes->capacity = n;
    for (uint32_t i = 0; i < n; i++) {
        prompt_state_init(&progress->nodes->by_turn[i].prompts);
    }
}

void nodes_start(const struct progress *progress)
{
    const struct program_graph *graph = progress->program.graph;
    struct nodes *nodes = progress->nodes;
    atomic_store_explicit(&nodes->sinks, graph->n_sinks, memory_order_relaxed);
    atomic_store_explicit(&nodes->end, 0, memory_order_relaxed);
    for (uint32_t turn = 0; turn < progress->program.n_turns; turn++) {
        struct node *node = &nodes->by_turn[turn];
        const uint32_t n_parents = graph->first_parent[turn + 1] - graph->first_parent[turn];
        atomic_store_explicit(&node->ready, progress->arrival, memory_order_relaxed);
        atomic_store_explicit(&node->critical, 0, memory_order_relaxed);
        atomic_store_explicit(&node->waiting, n_parents, memory_order_relaxed);
        node->end = -1;
        node->sums = (struct program_sums){0};
    }
}

uint32_t nodes_home(const struct progress *progress, uint32_t turn)
{
    const struct program *program = &progress->program;
    return turn < program->graph->n_roots ? NO_HOME : progress->nodes->by_turn[program->turns[turn].parent].instance;
}

struct ready_turn nodes_ready(const struct orchestrator *orchestrator, const struct progress *progress, uint32_t slot,
                              uint32_t turn)
{
    const struct program *program = &progress->program;
    const struct node *nodes = progress->nodes->by_turn;
    return (struct ready_turn){
        .time = atomic_load_explicit(&nodes[turn].ready, memory_order_relaxed),
        .key = program->id << 24 | turn,
        .slot = slot,
        .home = nodes_home(progress, turn),
        .service = orchestrator_service(orchestrator, progress, turn, orchestrator_gap(orchestrator, progress, turn))};
}

/* ---- attained service ---- */

enum { MARKED_ON_STACK = 4096 };

static void mark(uint64_t *marked, const struct program_graph *graph, uint32_t turn)
{
    for (uint32_t at = graph->first_parent[turn]; at < graph->first_parent[turn + 1]; at++) {
        marked[graph->parents[at].turn / 64] |= UINT64_C(1) << graph->parents[at].turn % 64;
    }
}

/* The execution times of all ancestors. Parents have smaller numbers, so going down from the turn finds each once. */
static simtime sum_of_ancestors(const struct progress *progress, uint32_t turn)
{
    const struct program_graph *graph = progress->program.graph;
    uint64_t on_stack[MARKED_ON_STACK / 64];
    const size_t words = turn / 64 + 1;
    uint64_t *marked = turn < MARKED_ON_STACK ? on_stack : mem_alloc(words * sizeof *marked);
    memset(marked, 0, words * sizeof *marked);
    mark(marked, graph, turn);
    simtime sum = 0;
    for (size_t word = words; word-- > 0;) {
        while (marked[word]) {
            const uint32_t bit = 63 - (uint32_t)__builtin_clzll(marked[word]);
            const uint32_t ancestor = (uint32_t)word * 64 + bit;
            marked[word] &= ~(UINT64_C(1) << bit);
            sum += progress->nodes->by_turn[ancestor].execution;
            mark(marked, graph, ancestor);
        }
    }
    if (marked != on_stack) {
        mem_free(marked);
    }
    return sum;
}

/* ---- turns ---- */

struct content nodes_prompt(const struct orchestrator *orchestrator, const struct progress *progress, uint32_t turn,
                            uint32_t *toks)
{
    const struct program *program = &progress->program;
    const struct turn *spec = &program->turns[turn];
    struct node *nodes = progress->nodes->by_turn;
    const struct content content =
        prompt_build_after(&nodes[turn].prompts, &nodes[spec->parent].prompts, program, turn);
    *toks = orchestrator_prompt_toks(orchestrator, spec);
    return *toks < spec->prompt_toks ? orchestrator_truncate(&nodes[turn].truncated, content, spec->prompt_toks, *toks)
                                     : content;
}

struct turn_call nodes_call(const struct orchestrator *orchestrator, const struct progress *progress, uint32_t turn)
{
    const struct turn *spec = &progress->program.turns[turn];
    struct node *node = &progress->nodes->by_turn[turn];
    assert(nodes_is_live(progress, turn));
    struct turn_call call = {
        .program = progress->program.id,
        .turn = turn,
        .ready = atomic_load_explicit(&node->ready, memory_order_relaxed),
        .output_toks = spec->output_toks,
        .shared_output = spec->shared_output,
        .lead = orchestrator_lead(orchestrator, progress, turn, orchestrator_gap(orchestrator, progress, turn)),
        .next_service = SIMTIME_NEVER};
    call.content = nodes_prompt(orchestrator, progress, turn, &call.prompt_toks);
    return call;
}

void nodes_service(const struct progress *progress, uint32_t turn, simtime *attained_time, simtime *critical)
{
    const struct node *node = &progress->nodes->by_turn[turn];
    *attained_time = sum_of_ancestors(progress, turn);
    *critical = atomic_load_explicit(&node->critical, memory_order_relaxed);
}

/* ---- ends ---- */

static void add_sums(struct program_sums *to, const struct program_sums *from)
{
    to->prompt_toks += from->prompt_toks;
    to->generated_toks += from->generated_toks;
    to->hit_toks += from->hit_toks;
    to->ttft_first += from->ttft_first; /* of turn 0, the others have none */
    to->queue += from->queue;
    to->served += from->served;
    to->preemptions += from->preemptions;
    to->turns += from->turns;
}

static simtime edge_gap(const struct orchestrator *orchestrator, const struct progress *progress, uint32_t from,
                        simtime delay)
{
    return tool_edge_gap(orchestrator->options.tool, &progress->program, from, delay);
}

/* The gaps on the way that made the program end when it did: from the last sink (of several, the first) up to the
 * parent that released each turn (of several, the first), to a root. */
static simtime tool_time(const struct orchestrator *orchestrator, const struct progress *progress, simtime end)
{
    const struct program_graph *graph = progress->program.graph;
    const struct node *nodes = progress->nodes->by_turn;
    uint32_t turn = 0;
    while (!program_is_sink(&progress->program, turn) || nodes[turn].end != end) {
        turn++;
    }
    simtime sum = 0;
    while (turn >= graph->n_roots) {
        const simtime ready = atomic_load_explicit(&nodes[turn].ready, memory_order_relaxed);
        const struct program_edge *parent = &graph->parents[graph->first_parent[turn]];
        simtime gap = edge_gap(orchestrator, progress, parent->turn, parent->delay);
        while (nodes[parent->turn].end + gap != ready) {
            parent++;
            gap = edge_gap(orchestrator, progress, parent->turn, parent->delay);
        }
        sum += gap;
        turn = parent->turn;
    }
    return sum;
}

enum turn_outcome nodes_ended(const struct orchestrator *orchestrator, struct progress *progress,
                              const struct turn_record *ended, struct ready_turn *next, simtime *end)
{
    const struct program *program = &progress->program;
    const struct program_graph *graph = program->graph;
    struct nodes *nodes = progress->nodes;
    struct node *node = &nodes->by_turn[ended->turn];
    node->instance = ended->instance;
    node->end = ended->last_token;
    node->execution = ended->last_token - ended->first_scheduled;
    for (uint32_t at = graph->first_edge[ended->turn]; at < graph->first_edge[ended->turn + 1]; at++) {
        const simtime gap = edge_gap(orchestrator, progress, ended->turn, graph->edges[at].delay);
        if (node->end >= SIMTIME_LIMIT || gap >= SIMTIME_LIMIT - node->end) {
            *next = (struct ready_turn){.key = program->id << 24 | graph->edges[at].turn};
            return TURN_TOO_LATE;
        }
    }
    if (!program_is_sink(program, ended->turn)) {
        return TURN_RELEASES;
    }
    raise(&nodes->end, node->end);
    if (!count_down(&nodes->sinks)) {
        return TURN_IS_OVER;
    }
    *end = atomic_load_explicit(&nodes->end, memory_order_relaxed);
    progress->tool_time = tool_time(orchestrator, progress, *end);
    for (uint32_t turn = 0; turn < program->n_turns; turn++) {
        add_sums(&progress->sums, &nodes->by_turn[turn].sums);
    }
    return TURN_WAS_LAST;
}

bool orchestrator_next_released(struct orchestrator *orchestrator, uint32_t slot, const struct turn_record *ended,
                                uint32_t *edge, struct ready_turn *next)
{
    const struct progress *progress = slot_at(orchestrator, slot);
    const struct program_graph *graph = progress->program.graph;
    const struct node *node = &progress->nodes->by_turn[ended->turn];
    const simtime critical = atomic_load_explicit(&node->critical, memory_order_relaxed) + node->execution;
    while (graph->first_edge[ended->turn] + *edge < graph->first_edge[ended->turn + 1]) {
        const struct program_edge *to = &graph->edges[graph->first_edge[ended->turn] + (*edge)++];
        struct node *child = &progress->nodes->by_turn[to->turn];
        raise(&child->ready, node->end + edge_gap(orchestrator, progress, ended->turn, to->delay));
        raise(&child->critical, critical);
        if (count_down(&child->waiting)) {
            *next = nodes_ready(orchestrator, progress, slot, to->turn);
            return true;
        }
    }
    return false;
}

struct program_sums *nodes_sums(const struct progress *progress, uint32_t turn)
{
    return &progress->nodes->by_turn[turn].sums;
}

bool nodes_is_live(const struct progress *progress, uint32_t turn)
{
    const struct node *node = &progress->nodes->by_turn[turn];
    return node->end < 0 && atomic_load_explicit(&node->waiting, memory_order_relaxed) == 0;
}

bool nodes_is_present(const struct progress *progress, uint32_t turn)
{
    const struct program *program = &progress->program;
    const struct node *nodes = progress->nodes->by_turn;
    return nodes[turn].end < 0 && (turn < program->graph->n_roots || nodes[program->turns[turn].parent].end >= 0);
}

uint32_t nodes_live(const struct progress *progress)
{
    uint32_t live = 0;
    for (uint32_t turn = 0; turn < progress->program.n_turns; turn++) {
        live += nodes_is_live(progress, turn);
    }
    return live;
}

/* ---- saving and loading ---- */

/* Bytes of a turn. */
enum { NODE_BYTES = 4 + 4 + 2 * 8 + 3 * 8 + 3 * 8 + 2 * 4 };

void nodes_save(const struct progress *progress, struct store_writer *writer)
{
    const struct node *nodes = progress->nodes->by_turn;
    uint64_t n = 0;
    for (uint32_t turn = 0; turn < progress->program.n_turns; turn++) {
        n += nodes[turn].end >= 0;
    }
    store_put_u64(writer, n);
    for (uint32_t turn = 0; turn < progress->program.n_turns; turn++) {
        if (nodes[turn].end >= 0) {
            store_put_u32(writer, turn);
            store_put_u32(writer, nodes[turn].instance);
            store_put_i64(writer, nodes[turn].end);
            store_put_i64(writer, nodes[turn].execution);
            program_sums_save(&nodes[turn].sums, writer);
        }
    }
}

/* A turn ended so before the state was saved; false when it cannot have. */
static bool end_again(struct orchestrator *orchestrator, uint32_t slot, const struct turn_record *ended,
                      const struct program_sums *sums)
{
    struct progress *progress = slot_at(orchestrator, slot);
    struct node *node = &progress->nodes->by_turn[ended->turn];
    const simtime ready = atomic_load_explicit(&node->ready, memory_order_relaxed);
    if (!nodes_is_live(progress, ended->turn) || ended->first_scheduled < ready ||
        ended->last_token < ended->first_scheduled || sums->turns != 1) {
        return false;
    }
    node->sums = *sums;
    struct ready_turn next;
    simtime end;
    uint32_t edge = 0;
    const enum turn_outcome outcome = nodes_ended(orchestrator, progress, ended, &next, &end);
    while (outcome == TURN_RELEASES && orchestrator_next_released(orchestrator, slot, ended, &edge, &next)) {
    }
    return outcome == TURN_RELEASES || outcome == TURN_IS_OVER;
}

void nodes_load(struct orchestrator *orchestrator, uint32_t slot, uint32_t n_instances, struct store_reader *reader)
{
    const struct progress *progress = slot_at(orchestrator, slot);
    const uint64_t n = store_get_count(reader, NODE_BYTES);
    for (uint64_t i = 0; i < n && !store_failed(reader); i++) {
        struct turn_record ended = {.turn = store_get_u32(reader)};
        ended.instance = store_get_u32(reader);
        ended.last_token = store_get_i64(reader);
        const simtime execution = store_get_i64(reader);
        const struct program_sums sums = program_sums_load(reader);
        const bool sound = ended.turn < progress->program.n_turns && ended.instance < n_instances &&
                           ended.last_token >= 0 && execution >= 0 && execution <= ended.last_token;
        ended.first_scheduled = sound ? ended.last_token - execution : 0;
        if (!store_failed(reader) && !(sound && end_again(orchestrator, slot, &ended, &sums))) {
            store_refuse(reader, "turn %" PRIu32 " of the program in slot %" PRIu32 " cannot have ended so", ended.turn,
                         slot);
        }
    }
}
