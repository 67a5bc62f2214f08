/* `swe-agent`: a coding agent that works on a repository issue with shell tools. Its parameters come from published
 * figures, named below, and are chosen so that contexts grow to a few ten thousand tokens in about 11 turns: large
 * enough to compete for the KV cache of a GPU, small enough for a quick look. */
#include "workload/generate.h"

#include "workload/spread.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

enum { NAME_BYTES = 32 };

struct tool_kind {
    const char *name;
    double weight; /* share of the turns; the weights of an agent add up to 1 */
    struct spread seconds;
};

struct agent {
    const char *name;
    double mean_turns; /* normal, cut off */
    double turns_deviation;
    uint32_t least_turns;
    uint32_t most_turns;
    uint32_t system_toks;  /* shared by all programs */
    struct spread task;    /* first user message, tokens */
    struct spread result;  /* what a tool's result adds to the context, tokens */
    struct spread output;  /* tokens */
    uint32_t context_toks; /* a program ends before its context exceeds this */
    uint32_t n_tools;
    const struct tool_kind *tools;
};

/* Shares of commands after mini-SWE-agent's 500 SWE-bench Verified runs (cat, nl and head together 30 %, sed 17 %,
 * grep 14 %, python 18 %, ...). Times: pip 19.9 s and sed 0.12 s on average as in AgentServeSim's SWE-bench programs;
 * the rest is set so that all gaps together have the mean and deviation of Continuum's SWE-bench traces, 0.925 s
 * and 3.55 s, with most of the time in a few slow calls. */
static const struct tool_kind swe_tools[] = {
    {"cat", 0.255, {0.06, 0.7, 60.0}},     {"sed", 0.180, {0.10, 0.6, 60.0}},  {"grep", 0.160, {0.15, 0.9, 120.0}},
    {"python", 0.160, {0.60, 1.1, 600.0}}, {"ls", 0.080, {0.05, 0.6, 60.0}},   {"pytest", 0.070, {3.00, 0.9, 600.0}},
    {"find", 0.040, {0.30, 1.0, 120.0}},   {"git", 0.040, {0.20, 0.8, 120.0}}, {"pip", 0.015, {15.4, 0.72, 600.0}},
};

static const struct agent swe_agent = {
    .name = "swe-agent",
    /* Continuum's SWE-bench set: 10.9 +- 2.1 turns. */
    .mean_turns = 10.9,
    .turns_deviation = 2.1,
    .least_turns = 3,
    .most_turns = 20,
    /* First prompts of mini-SWE-agent are 1.6k tokens in the median: instructions and a short issue. */
    .system_toks = 1792,
    .task = {900.0, 0.6, 8192.0},
    /* Per turn, recorded SWE agents add 0.3-0.8k tokens in 40 turns, Continuum's about 6k in 11 turns; this lies
     * between, with the same width (sigma 1.1) and an end for results that a harness would cut. */
    .result = {1500.0, 1.1, 16384.0},
    /* Coding agents: median 200-220 tokens, 90 % below 900 (TraceLab, kv-cache-tester). */
    .output = {200.0, 1.0, 4096.0},
    .context_toks = 98304,
    .n_tools = sizeof swe_tools / sizeof *swe_tools,
    .tools = swe_tools,
};

static uint32_t sample_turns(const struct agent *agent, struct rng_key key)
{
    const double z = pmath_normal_quantile(rng_uniform(key, 0));
    const double turns = agent->mean_turns + agent->turns_deviation * z + 0.5;
    if (turns < agent->least_turns) {
        return agent->least_turns;
    }
    return turns < agent->most_turns ? (uint32_t)turns : agent->most_turns;
}

static uint32_t sample_tool(const struct agent *agent, struct rng_key key)
{
    double u = rng_uniform(key, 0);
    uint32_t tool = 0;
    while (tool + 1 < agent->n_tools && u >= agent->tools[tool].weight) {
        u -= agent->tools[tool].weight;
        tool++;
    }
    return tool;
}

static void sample_gap(const struct agent *agent, struct rng_key key, struct turn *turn)
{
    key.purpose = RNG_TOOL;
    turn->tool = sample_tool(agent, key);
    key.purpose = RNG_GAP;
    const double seconds = spread_sample(&agent->tools[turn->tool].seconds, rng_uniform(key, 0));
    const bool fits = simtime_from_s(seconds, &turn->gap);
    assert(fits); /* every spread ends far below the limit */
    (void)fits;
}

static void make(const struct agent *agent, uint64_t seed, uint64_t id, struct program_slot *out)
{
    struct rng_key key = {.seed = seed, .program = id, .purpose = RNG_TURN_COUNT};
    const uint32_t most = sample_turns(agent, key);
    program_slot_reserve_turns(out, agent->most_turns);
    program_slot_reserve_name(out, NAME_BYTES);
    uint32_t context = 0;
    uint32_t n = 0;
    for (; n < most; n++) {
        key.turn = n;
        key.purpose = RNG_PROMPT;
        const uint32_t fresh =
            n ? spread_toks(&agent->result, key) : agent->system_toks + spread_toks(&agent->task, key);
        key.purpose = RNG_OUTPUT;
        const uint32_t output = spread_toks(&agent->output, key);
        if (n && context + fresh + output > agent->context_toks) {
            break;
        }
        out->turns[n] = (struct turn){
            .prompt_toks = context + fresh, .output_toks = output, .kept_toks = context, .parent = n ? n - 1 : 0};
        sample_gap(agent, key, &out->turns[n]);
        context += fresh + output;
    }
    out->turns[n - 1].gap = 0;
    snprintf(out->name, NAME_BYTES, "%.10s-%" PRIu64, agent->name, id);
    out->program = (struct program){.id = id,
                                    .name = out->name,
                                    .n_turns = n,
                                    .turns = out->turns,
                                    .shared_stream = stream_common(STREAM_SHARED, 0),
                                    .shared_prefix_toks = agent->system_toks};
}

static void make_swe_agent(const struct generator_options *options, uint64_t id, struct program_slot *out)
{
    make(&swe_agent, options->seed, id, out);
}

static const char *swe_tool(uint32_t tool)
{
    return swe_agent.tools[tool].name;
}

const struct generator generator_swe_agent = {
    .name = "swe-agent",
    .summary = "coding agents that work on repository issues with shell tools, after published figures",
    .n_tools = sizeof swe_tools / sizeof *swe_tools,
    .tool_name = swe_tool,
    .make = make_swe_agent,
};
