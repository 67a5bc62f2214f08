/* Contents against tokens written out one by one. */
#include "support/support.h"

#include "base/mem.h"
#include "base/rng.h"
#include "workload/prompt.h"

#include <string.h>

enum { MAX_TURNS = 12, MAX_TOKENS = 64 };

struct sample {
    struct program program;
    struct turn turns[MAX_TURNS];
    struct extent extents[MAX_TURNS];
    uint32_t tokens[MAX_TURNS][MAX_TOKENS]; /* every fresh token is a number of its own; shared ones are small */
};

static uint32_t draw(uint64_t seed, uint32_t *at, uint32_t below)
{
    return (uint32_t)(rng_u64((struct rng_key){.seed = seed}, (*at)++) % below);
}

static uint32_t context_toks(const struct turn *turn)
{
    return turn->prompt_toks + turn->output_toks;
}

static void make_turn(struct sample *sample, uint32_t index, uint64_t seed, uint32_t *at, uint32_t *next_token)
{
    struct turn *turn = &sample->turns[index];
    *turn = (struct turn){0};
    if (index && draw(seed, at, 6)) {
        turn->parent = draw(seed, at, 3) ? index - 1 : draw(seed, at, index);
        const uint32_t context = context_toks(&sample->turns[turn->parent]);
        turn->kept_toks = draw(seed, at, 3) ? context : draw(seed, at, context + 1);
    }
    turn->prompt_toks = turn->kept_toks + (draw(seed, at, 3) ? draw(seed, at, 4) : 0);
    turn->prompt_toks += turn->prompt_toks == 0;
    turn->output_toks = draw(seed, at, 3);
    const uint32_t shared = turn->kept_toks ? 0 : sample->program.shared_prefix_toks;
    for (uint32_t i = 0; i < context_toks(turn); i++) {
        sample->tokens[index][i] = i < turn->kept_toks                   ? sample->tokens[turn->parent][i]
                                   : i < shared && i < turn->prompt_toks ? i
                                                                         : (*next_token)++;
    }
}

static void make_sample(struct sample *sample, uint64_t seed)
{
    uint32_t at = 0;
    uint32_t next_token = 1000;
    sample->program = (struct program){.id = seed % 3,
                                       .n_turns = MAX_TURNS,
                                       .turns = sample->turns,
                                       .extents = sample->extents,
                                       .shared_stream = stream_common(STREAM_SHARED, 0),
                                       .shared_prefix_toks = seed % 2 ? draw(seed, &at, 5) : 0};
    for (uint32_t i = 0; i < MAX_TURNS; i++) {
        make_turn(sample, i, seed, &at, &next_token);
    }
    /* One in four samples has a turn whose contents are explicit, as from token ids; later turns may start from it. */
    if (seed % 4 == 0) {
        const uint32_t index = draw(seed, &at, MAX_TURNS);
        struct turn *turn = &sample->turns[index];
        if (turn->kept_toks == 0) {
            sample->extents[0] =
                (struct extent){.stream = stream_common(STREAM_INTERNED, 5), .count = context_toks(turn)};
            turn->n_extents = 1;
        }
    }
}

struct name {
    uint64_t stream;
    uint32_t position;
};

static void write_out(struct content content, struct name *names)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < content.n_extents; i++) {
        assert_true(content.extents[i].count > 0);
        assert_int_equal(content.extents[i].first, n); /* a token's position in its stream is that in the content */
        for (uint32_t k = 0; k < content.extents[i].count; k++) {
            names[n++] = (struct name){.stream = content.extents[i].stream, .position = content.extents[i].first + k};
        }
    }
    assert_int_equal(n, content.n_tokens);
}

/* Builds the turns in the order `order`, and compares the names of all pairs of contents with their tokens: a prefix is
 * common to the one exactly as far as to the other. */
static void check_sample(const struct sample *sample, const uint32_t *order)
{
    static struct name names[MAX_TURNS][MAX_TOKENS];
    struct prompt_state state;
    prompt_state_init(&state);
    for (uint32_t i = 0; i < MAX_TURNS; i++) {
        const uint32_t index = order[i];
        const struct content content = prompt_build(&state, &sample->program, index);
        assert_int_equal(content.n_tokens, context_toks(&sample->turns[index]));
        write_out(content, names[index]);
        const struct content again = prompt_build(&state, &sample->program, index);
        assert_memory_equal(content.extents, again.extents, content.n_extents * sizeof *content.extents);
    }
    prompt_state_fini(&state);
    for (uint32_t a = 0; a < MAX_TURNS; a++) {
        for (uint32_t b = 0; b < a; b++) {
            const uint32_t n_a = context_toks(&sample->turns[a]);
            const uint32_t n_b = context_toks(&sample->turns[b]);
            for (uint32_t i = 0; i < n_a && i < n_b; i++) {
                const bool same_token = sample->tokens[a][i] == sample->tokens[b][i];
                const bool same_name =
                    names[a][i].stream == names[b][i].stream && names[a][i].position == names[b][i].position;
                assert_int_equal(same_token, same_name);
                if (!same_token) {
                    break;
                }
            }
        }
    }
}

static void agrees_with_tokens(void **state)
{
    (void)state;
    static struct sample sample;
    for (uint64_t seed = 1; seed <= 4000; seed++) {
        uint32_t forward[MAX_TURNS];
        uint32_t shuffled[MAX_TURNS];
        uint32_t at = 500;
        make_sample(&sample, seed);
        for (uint32_t i = 0; i < MAX_TURNS; i++) {
            forward[i] = i;
            const uint32_t k = draw(seed, &at, i + 1);
            shuffled[i] = shuffled[k];
            shuffled[k] = i;
        }
        check_sample(&sample, forward);
        check_sample(&sample, shuffled);
    }
}

/* A chain that keeps all is one extent, whatever its length. */
static void a_chain_is_one_extent(void **state)
{
    (void)state;
    enum { N = 1000 };
    struct turn *turns = mem_zalloc(N * sizeof *turns);
    for (uint32_t i = 0; i < N; i++) {
        turns[i] = (struct turn){.prompt_toks = 100 * (i + 1), .output_toks = 20, .kept_toks = i ? 100 * i + 20 : 0};
        turns[i].parent = i ? i - 1 : 0;
    }
    const struct program program = {.id = 3, .n_turns = N, .turns = turns};
    struct prompt_state state_;
    prompt_state_init(&state_);
    for (uint32_t i = 0; i < N; i++) {
        assert_int_equal(prompt_build(&state_, &program, i).n_extents, 1);
    }
    /* From the last turn back to a middle one, and from nothing. */
    const struct content back = prompt_build(&state_, &program, 500);
    assert_int_equal(back.n_tokens, 50120);
    assert_int_equal(back.n_extents, 1);
    prompt_state_reset(&state_);
    assert_int_equal(prompt_build(&state_, &program, 700).n_tokens, 70120);
    prompt_state_fini(&state_);
    mem_free(turns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_tokens),
        cmocka_unit_test(a_chain_is_one_extent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
