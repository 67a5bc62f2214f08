/* The index of extents alone: looking up prompts that are cached to their end, of one extent after a shared prompt and
 * of 64 pieces, as tokens of a trace make them. The length of an extent makes no difference, their number does. */
#include "support/bench.h"

#include "base/mem.h"
#include "base/rng.h"
#include "kv/pool.h"

enum { BLOCK = 16, PROGRAMS = 1024, CONTEXT = 65536, SHARED = 2048 };

/* A shared system prompt, then `pieces` extents of streams of the program's own. */
static void write_content(struct extent_list *list, uint32_t program, uint32_t pieces)
{
    extent_list_init(list);
    extent_list_append(list, (struct extent){stream_common(STREAM_SHARED, 0), 0, SHARED});
    for (uint32_t i = 0; i < pieces; i++) {
        extent_list_append(list, (struct extent){stream_private(program, i), 0, (CONTEXT - SHARED) / pieces});
    }
}

static void cache(struct kv_pool *pool, struct content content)
{
    struct kv_holder holder = {0};
    const struct kv_hit hit = kv_lookup(pool, content, content.n_tokens);
    kv_touch(pool, &holder, content, hit);
    kv_alloc(pool, &holder, content.n_tokens / BLOCK - hit.blocks);
    kv_hash(pool, &holder, content, content.n_tokens / BLOCK);
    kv_release(pool, &holder);
    kv_holder_fini(&holder);
}

static void look_up(struct bench_state *state, uint32_t pieces)
{
    struct kv_pool *pool = kv_pool_create(PROGRAMS * (CONTEXT / BLOCK) + 1, BLOCK, true);
    struct extent_list *contents = mem_alloc(PROGRAMS * sizeof *contents);
    for (uint32_t i = 0; i < PROGRAMS; i++) {
        write_content(&contents[i], i, pieces);
        cache(pool, extent_list_content(&contents[i]));
    }
    uint64_t draws = 0;
    uint64_t hit_blocks = 0;
    while (bench_next(state)) {
        const uint64_t draw = rng_u64((struct rng_key){.seed = 1, .purpose = RNG_GAP}, draws++);
        const struct content content = extent_list_content(&contents[draw % PROGRAMS]);
        hit_blocks += kv_lookup(pool, content, content.n_tokens).blocks;
    }
    bench_items(state, 1);
    bench_counter(state, "hit_blocks", (double)hit_blocks / (double)draws);
    for (uint32_t i = 0; i < PROGRAMS; i++) {
        extent_list_fini(&contents[i]);
    }
    mem_free(contents);
    kv_pool_destroy(pool);
}

static void extent_lookup_1_piece(struct bench_state *state)
{
    look_up(state, 1);
}
BENCH(extent_lookup_1_piece)

static void extent_lookup_64_pieces(struct bench_state *state)
{
    look_up(state, 64);
}
BENCH(extent_lookup_64_pieces)
