/* Programs that are graphs: calls fan out, and others wait for all of them.
 *
 * `lats`: a tree search over answers to a question that needs look-ups, as by language agent tree search on HotpotQA.
 * In each round some candidates are expanded side by side and each is evaluated once its look-up is back; the next
 * round starts from all evaluations of the one before. The medians are set so that a program has 160 calls of 467
 * prompt and 73 output tokens on average, the 159.7, 467 and 73 published for LATS (Autellix, table of workloads).
 *
 * `deep-research`: a plan, searches side by side in as many branches, each a chain of calls whose context grows by what
 * is found, and a report that waits for all branches. Sizes are assumptions: search results of some thousand tokens.
 *
 * The options dag.depth (rounds, or steps of a branch, on average) and dag.fan_out (candidates, or branches) replace
 * what is here.
 */
#include "workload/generate.h"

#include "workload/spread.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

enum { NAME_BYTES = 40, TOOL_SEARCH = 0, TOOL_NONE = 1, N_TOOLS = 2 };

static const char *tool_name(uint32_t tool)
{
    return tool == TOOL_SEARCH ? "search" : "none";
}

/* A program in the making: its nodes in any order. */
struct making {
    struct program_slot *slot;
    struct graph_builder *graph;
    struct rng_key key;
    uint32_t n_nodes;
};

static struct making begin(const struct generator_options *options, uint64_t id, struct program_slot *slot)
{
    struct making making = {
        .slot = slot, .graph = program_slot_graph(slot), .key = {.seed = options->seed, .program = id}};
    graph_begin(making.graph);
    return making;
}

static struct rng_key key_of_node(const struct making *making, uint32_t node, enum rng_purpose purpose)
{
    struct rng_key key = making->key;
    key.turn = node;
    key.purpose = purpose;
    return key;
}

static uint32_t draw_toks(const struct making *making, const struct spread *spread, uint32_t node,
                          enum rng_purpose purpose)
{
    return spread_toks(spread, key_of_node(making, node, purpose));
}

/* How deep: from half of the mean to half more, all equally likely. */
static uint32_t draw_depth(const struct making *making, uint32_t mean, uint32_t node)
{
    const uint32_t least = (mean + 1) / 2;
    const uint32_t most = mean + mean / 2;
    const double u = rng_uniform(key_of_node(making, node, RNG_TURN_COUNT), 0);
    return least + (uint32_t)(u * (most - least + 1));
}

/* A new node, in the order of nodes; turns that nodes start from are nodes as long as the graph is not made. */
static struct turn *add_node(struct making *making)
{
    program_slot_reserve_turns(making->slot, making->n_nodes + 1);
    struct turn *turn = &making->slot->turns[making->n_nodes++];
    *turn = (struct turn){.tool = TOOL_NONE};
    return turn;
}

static simtime draw_gap(const struct making *making, const struct spread *seconds, uint32_t node)
{
    simtime gap;
    const bool fits = simtime_from_s(spread_sample(seconds, rng_uniform(key_of_node(making, node, RNG_GAP), 0)), &gap);
    assert(fits); /* every spread ends far below the limit */
    (void)fits;
    return gap;
}

/* Makes the graph and brings the turns into its order. */
static void finish(struct making *making, const char *name, uint32_t system_toks)
{
    const uint32_t n = making->n_nodes;
    struct program_slot *slot = making->slot;
    const struct graph_builder *graph = making->graph;
    uint32_t culprit;
    const enum graph_outcome outcome = graph_finish(making->graph, n, &culprit);
    assert(outcome == GRAPH_GOOD);
    (void)outcome;
    program_slot_reserve_turns(slot, 2 * (size_t)n);
    for (uint32_t turn = 0; turn < n; turn++) {
        slot->turns[n + turn] = slot->turns[graph->node_of[turn]];
    }
    for (uint32_t turn = 0; turn < n; turn++) {
        slot->turns[turn] = slot->turns[n + turn];
        slot->turns[turn].parent = graph->turn_of[slot->turns[turn].parent];
    }
    graph_set_gaps(&graph->graph, slot->turns, n);
    program_slot_reserve_name(slot, NAME_BYTES);
    snprintf(slot->name, NAME_BYTES, "%.16s-%" PRIu64, name, making->key.program);
    slot->program = (struct program){.id = making->key.program,
                                     .name = slot->name,
                                     .n_turns = n,
                                     .turns = slot->turns,
                                     .graph = &graph->graph,
                                     .shared_stream = stream_common(STREAM_SHARED, 0),
                                     .shared_prefix_toks = system_toks};
}

static uint32_t or_usual(uint64_t asked, uint32_t usual)
{
    return asked ? (uint32_t)asked : usual;
}

/* ---- lats ---- */

enum { LATS_ROUNDS = 16, LATS_CANDIDATES = 5, LATS_SYSTEM_TOKS = 256, LATS_VALUE_TOKS = 46 };

static const struct spread lats_question = {90.0, 0.4, 1024.0};
static const struct spread lats_trajectory = {48.0, 0.5, 1024.0};
static const struct spread lats_output = {64.4, 0.5, 1024.0};
static const struct spread lats_lookup = {0.3, 0.8, 30.0}; /* seconds */

/* The candidates of a round, nodes `first` and on, and behind them their evaluations. */
static void add_round(struct making *making, uint32_t candidates, uint32_t question)
{
    const uint32_t first = making->n_nodes;
    const bool is_first = first == 0;
    for (uint32_t i = 0; i < candidates; i++) {
        const uint32_t node = first + i;
        const uint32_t fixed = LATS_SYSTEM_TOKS + question;
        struct turn *turn = add_node(making);
        turn->prompt_toks = fixed + draw_toks(making, &lats_trajectory, node, RNG_PROMPT);
        turn->output_toks = draw_toks(making, &lats_output, node, RNG_OUTPUT);
        turn->kept_toks = is_first ? 0 : fixed;
        turn->parent = is_first ? 0 : first - candidates;
        turn->tool = TOOL_SEARCH;
        for (uint32_t before = is_first ? first : first - candidates; before < first; before++) {
            graph_add(making->graph, before, node, 0);
        }
    }
    for (uint32_t i = 0; i < candidates; i++) {
        const uint32_t node = first + candidates + i;
        struct turn *turn = add_node(making);
        const struct turn *expanded = turn - candidates;
        turn->kept_toks = expanded->prompt_toks + expanded->output_toks;
        turn->prompt_toks = turn->kept_toks + LATS_VALUE_TOKS;
        turn->output_toks = draw_toks(making, &lats_output, node, RNG_OUTPUT);
        turn->parent = first + i;
        graph_add(making->graph, first + i, node, draw_gap(making, &lats_lookup, first + i));
    }
}

static void make_lats(const struct generator_options *options, uint64_t id, struct program_slot *out)
{
    struct making making = begin(options, id, out);
    const uint32_t rounds = draw_depth(&making, or_usual(options->dag.depth, LATS_ROUNDS), 0);
    const uint32_t question = spread_toks(&lats_question, key_of_node(&making, 0, RNG_PROGRAM));
    for (uint32_t round = 0; round < rounds; round++) {
        add_round(&making, or_usual(options->dag.fan_out, LATS_CANDIDATES), question);
    }
    finish(&making, "lats", LATS_SYSTEM_TOKS);
}

const struct generator generator_lats = {
    .name = "lats",
    .summary = "tree searches (graphs): rounds of candidates side by side, about 160 short calls each, after published "
               "figures",
    .n_tools = N_TOOLS,
    .makes_graphs = true,
    .tool_name = tool_name,
    .make = make_lats,
};

/* ---- deep-research ---- */

enum {
    RESEARCH_STEPS = 6,
    RESEARCH_BRANCHES = 5,
    RESEARCH_SYSTEM_TOKS = 1024,
    RESEARCH_ORDER_TOKS = 64,     /* what a branch is told to find */
    RESEARCH_CONTEXT_TOKS = 65536 /* a branch ends before its context exceeds this */
};

static const struct spread research_task = {400.0, 0.6, 4096.0};
static const struct spread research_plan = {400.0, 0.5, 2048.0};
static const struct spread research_found = {2500.0, 0.8, 16384.0};
static const struct spread research_output = {250.0, 0.8, 4096.0};
static const struct spread research_report = {1500.0, 0.5, 8192.0};
static const struct spread research_search = {1.2, 0.9, 60.0}; /* seconds */

/* A chain of searches, from the plan; returns its last node. */
static uint32_t add_branch(struct making *making, uint32_t steps)
{
    uint32_t before = 0;
    for (uint32_t step = 0; step < steps; step++) {
        const uint32_t node = making->n_nodes;
        const struct turn *parent = &making->slot->turns[before];
        const uint32_t context = parent->prompt_toks + parent->output_toks;
        const uint32_t fresh = step == 0 ? RESEARCH_ORDER_TOKS : draw_toks(making, &research_found, node, RNG_PROMPT);
        const uint32_t output = draw_toks(making, &research_output, node, RNG_OUTPUT);
        if (step && context + fresh + output > RESEARCH_CONTEXT_TOKS) {
            break;
        }
        const simtime gap = step == 0 ? 0 : draw_gap(making, &research_search, before);
        struct turn *turn = add_node(making);
        turn->prompt_toks = context + fresh;
        turn->output_toks = output;
        turn->kept_toks = context;
        turn->parent = before;
        if (step) {
            making->slot->turns[before].tool = TOOL_SEARCH;
        }
        graph_add(making->graph, before, node, gap);
        before = node;
    }
    return before;
}

static void make_research(const struct generator_options *options, uint64_t id, struct program_slot *out)
{
    struct making making = begin(options, id, out);
    const uint32_t branches = or_usual(options->dag.fan_out, RESEARCH_BRANCHES);
    const uint32_t depth = or_usual(options->dag.depth, RESEARCH_STEPS);
    enum { PLAN, REPORT };
    struct turn *plan = add_node(&making);
    plan->prompt_toks = RESEARCH_SYSTEM_TOKS + draw_toks(&making, &research_task, PLAN, RNG_PROMPT);
    plan->output_toks = draw_toks(&making, &research_plan, PLAN, RNG_OUTPUT);
    const uint32_t planned = plan->prompt_toks + plan->output_toks;
    add_node(&making);
    uint32_t findings = 0;
    uint32_t first = 0;
    for (uint32_t i = 0; i < branches; i++) {
        const uint32_t end = add_branch(&making, draw_depth(&making, depth, making.n_nodes));
        graph_add(making.graph, end, REPORT, 0);
        findings += out->turns[end].output_toks;
        first = i == 0 ? end : first;
    }
    /* What all branches keep, and what each of them said at last. */
    out->turns[REPORT] = (struct turn){.prompt_toks = planned + RESEARCH_ORDER_TOKS + findings,
                                       .output_toks = draw_toks(&making, &research_report, REPORT, RNG_OUTPUT),
                                       .kept_toks = planned,
                                       .parent = first,
                                       .tool = TOOL_NONE};
    finish(&making, "deep-research", RESEARCH_SYSTEM_TOKS);
}

const struct generator generator_deep_research = {
    .name = "deep-research",
    .summary = "research agents (graphs): a plan, branches of searches side by side, a report over all of them",
    .n_tools = N_TOOLS,
    .makes_graphs = true,
    .tool_name = tool_name,
    .make = make_research,
};
