/* `synthetic`: programs whose sizes are drawn from distributions that the options give.
 *
 * A program is a chain: its first prompt is one of the shared system prompts and fresh tokens, each later one the whole
 * context before it (prompt and output) and fresh tokens. Growth is from prompt to prompt, as traces give it, so the
 * output is a part of it: a turn whose output is as long as its growth adds one fresh token. A program ends before its
 * context exceeds MOST_CONTEXT. One call of the random number generator serves a turn: its fresh tokens, its output and
 * its gap; values are drawn for several turns at once.
 */
#include "workload/generate.h"

#include "base/rng.h"

#include <string.h>

enum {
    MOST_CONTEXT = 4 * SYNTHETIC_MOST_TOKS, /* the largest max_model_len; a first turn always fits */
    MOST_TURNS = (1 << 24) - 1,             /* what a stream's key holds */
    NAME_BYTES = 32,
    DRAWN_AT_ONCE = 32, /* turns */
};

static uint32_t to_count(double value, uint32_t most)
{
    value += 0.5;
    return value < 1.0 ? 1 : value < most ? (uint32_t)value : most;
}

static simtime to_gap(double seconds)
{
    simtime gap = SIMTIME_LIMIT; /* the far tail of a distribution ends where durations do */
    simtime_from_s(seconds, &gap);
    return gap;
}

static void write_name(uint64_t id, char name[NAME_BYTES])
{
    static const char prefix[] = "synthetic-";
    char digits[20];
    size_t n = 0;
    do {
        digits[n++] = (char)('0' + id % 10);
        id /= 10;
    } while (id);
    memcpy(name, prefix, sizeof prefix);
    char *end = name + sizeof prefix - 1;
    while (n) {
        *end++ = digits[--n];
    }
    *end = '\0';
}

/* What is drawn for some consecutive turns. */
struct draws {
    double fresh[DRAWN_AT_ONCE]; /* of the first prompt, then growth */
    double output[DRAWN_AT_ONCE];
    double gap[DRAWN_AT_ONCE];
};

static void draw(const struct synthetic_options *options, struct rng_key key, uint32_t first, uint32_t n,
                 struct draws *draws)
{
    for (uint32_t i = 0; i < n; i++) {
        double u[3];
        key.turn = first + i;
        rng_uniform3(key, 0, u);
        draws->fresh[i] = u[0];
        draws->output[i] = u[1];
        draws->gap[i] = u[2];
    }
    const uint32_t n_first = first == 0;
    distribution_sample_many(&options->first_prompt, draws->fresh, n_first);
    distribution_sample_many(&options->growth, draws->fresh + n_first, n - n_first);
    distribution_sample_many(&options->output, draws->output, n);
    distribution_sample_many(&options->gap, draws->gap, n);
}

/* The turns, at most `most`; returns how many there are. */
static uint32_t make_turns(const struct synthetic_options *options, struct rng_key key, uint32_t most,
                           struct turn *turns)
{
    struct draws draws;
    uint32_t context = 0;
    uint32_t n = 0;
    for (; n < most; n++) {
        const uint32_t at = n % DRAWN_AT_ONCE;
        if (at == 0) {
            draw(options, key, n, most - n < DRAWN_AT_ONCE ? most - n : DRAWN_AT_ONCE, &draws);
        }
        const uint32_t drawn = to_count(draws.fresh[at], SYNTHETIC_MOST_TOKS);
        const uint32_t before = n ? turns[n - 1].output_toks : 0;
        const uint32_t fresh = n == 0 ? drawn + options->system_prompt_toks : drawn > before ? drawn - before : 1;
        const uint32_t output = to_count(draws.output[at], SYNTHETIC_MOST_TOKS);
        if (context + fresh + output > MOST_CONTEXT) {
            break;
        }
        turns[n] = (struct turn){.prompt_toks = context + fresh,
                                 .output_toks = output,
                                 .kept_toks = context,
                                 .parent = n ? n - 1 : 0,
                                 .gap = to_gap(draws.gap[at])};
        context += fresh + output;
    }
    turns[n - 1].gap = 0;
    return n;
}

static void make_synthetic(const struct generator_options *all, uint64_t id, struct program_slot *out)
{
    const struct synthetic_options *options = &all->synthetic;
    double u[3];
    rng_uniform3((struct rng_key){.seed = all->seed, .program = id, .purpose = RNG_PROGRAM}, 0, u);
    const uint32_t most = to_count(distribution_sample(&options->turns, u[0]), MOST_TURNS);
    program_slot_reserve_turns(out, most);
    program_slot_reserve_name(out, NAME_BYTES);
    const struct rng_key key = {.seed = all->seed, .program = id, .purpose = RNG_TURN};
    const uint32_t n = make_turns(options, key, most, out->turns);
    write_name(id, out->name);
    out->program =
        (struct program){.id = id,
                         .name = out->name,
                         .n_turns = n,
                         .turns = out->turns,
                         .shared_stream = stream_common(STREAM_SHARED, (uint64_t)(u[1] * options->n_system_prompts)),
                         .shared_prefix_toks = options->system_prompt_toks};
}

static const char *only_tool(uint32_t tool)
{
    (void)tool;
    return "tool";
}

const struct generator generator_synthetic = {
    .name = "synthetic",
    .summary = "chains of turns whose sizes and gaps are drawn from the distributions of the options synthetic.*",
    .n_tools = 1,
    .tool_name = only_tool,
    .make = make_synthetic,
};
