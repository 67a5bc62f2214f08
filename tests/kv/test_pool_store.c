/* A pool that was saved and loaded goes on as if nothing had been; a file that makes no sense is refused, whatever it
 * holds. */
#include "support/support.h"

#include "base/rng.h"
#include "kv/pool_internal.h"
#include "kv/random_programs.h"
#include "kv/reload.h"

enum { BLOCK = 16, BLOCKS = 60, TURNS = 3 };

static void a_loaded_pool_goes_on(void **state)
{
    (void)state;
    struct random_totals totals = {0};
    for (uint64_t seed = 1; seed <= 150; seed++) {
        random_programs(seed, 200, RANDOM_RELOADED, &totals);
    }
    assert_true(totals.hit_blocks > 5000 && totals.evicted > 2000 && totals.duplicates > 100);
}

/* Shared prefixes, duplicates, idle and running turns, freed cells. */
struct scene {
    struct kv_pool *pool;
    struct kv_holder holders[TURNS];
    struct kv_holder *list[TURNS];
};

static void turn(struct kv_pool *pool, struct kv_holder *holder, uint64_t stream, uint32_t tokens)
{
    const struct extent extents[] = {{1, 0, 4 * BLOCK}, {stream, 0, tokens}};
    const struct content content = {extents, 2, 4 * BLOCK + tokens};
    const struct kv_hit hit = kv_lookup(pool, content, content.n_tokens);
    const uint32_t blocks = (content.n_tokens + BLOCK - 1) / BLOCK;
    if (blocks - hit.blocks + hit.free_blocks <= kv_free(pool)) {
        kv_touch(pool, holder, content, hit);
        kv_alloc(pool, holder, blocks - hit.blocks);
        kv_hash(pool, holder, content, content.n_tokens / BLOCK);
    }
}

static void turns(struct kv_pool *pool, uint64_t first, uint64_t n)
{
    struct kv_holder holder = {0};
    for (uint64_t stream = first; stream < first + n; stream++) {
        turn(pool, &holder, stream, 2 * BLOCK + 3);
        kv_release(pool, &holder);
    }
    kv_holder_fini(&holder);
}

static void set_up(struct scene *scene)
{
    *scene = (struct scene){.pool = kv_pool_create(BLOCKS, BLOCK, true)};
    for (int i = 0; i < TURNS; i++) {
        scene->list[i] = &scene->holders[i];
    }
    turn(scene->pool, &scene->holders[0], 2, 2 * BLOCK); /* the last block of an equal prompt is computed again */
    turn(scene->pool, &scene->holders[1], 2, 2 * BLOCK);
    turns(scene->pool, 3, 30);
    turn(scene->pool, &scene->holders[2], 40, 5 * BLOCK);
    kv_reserve(scene->pool, 2);
    kv_claim(scene->pool, &scene->holders[2], 2);
}

static void tear_down(struct scene *scene)
{
    for (int i = 0; i < TURNS; i++) {
        kv_holder_fini(&scene->holders[i]);
    }
    kv_pool_destroy(scene->pool);
}

/* One word that a file would hold: of the cells, of the counters or of a range. */
static uint32_t *some_word(struct scene *scene, uint64_t draw)
{
    struct kv_pool *pool = scene->pool;
    struct kv_range *range = &scene->holders[draw / 32 % TURNS].last;
    uint32_t *const others[] = {&pool->free,       &pool->cached_free, &pool->anonymous,         &pool->reserved,
                                &pool->queue.head, &pool->queue.tail,  &pool->queue.store.spare, &range->end,
                                &range->lane,      &range->lo};
    enum { OTHERS = sizeof others / sizeof others[0] };
    if (draw % 4 == 0) {
        return others[draw / 4 % OTHERS];
    }
    if (draw % 4 == 1) {
        return &pool->queue.store.runs[0].node + draw / 4 % (pool->queue.store.n_cells * 4);
    }
    return (uint32_t *)(void *)pool->queue.store.cells + draw / 4 % (pool->queue.store.n_cells * 16);
}

static uint32_t some_value(const struct scene *scene, uint32_t was, uint64_t draw)
{
    const uint32_t values[] = {0, 1, KV_NONE, was + 1, was - 1, was ^ 1, (uint32_t)(draw >> 32)};
    const uint32_t choice = (uint32_t)(draw % 10);
    return choice < 7 ? values[choice] : (uint32_t)(draw >> 8) % scene->pool->queue.store.n_cells;
}

/* What passes is a pool like any other: it is used until everything has been evicted. */
static void use(struct scene *scene)
{
    for (int i = 0; i < TURNS; i++) {
        turns(scene->pool, 50, 2);
        kv_release(scene->pool, &scene->holders[i]);
        kv_pool_check(scene->pool);
    }
    turns(scene->pool, 60, 40);
    kv_pool_check(scene->pool);
    assert_int_equal(kv_free(scene->pool) + scene->pool->anonymous, kv_usable(scene->pool));
}

static void damage_is_refused_or_harmless(void **state)
{
    (void)state;
    const struct rng_key key = {.seed = 5};
    uint32_t refused = 0;
    enum { DRAWS = 3000 };
    for (uint32_t i = 0; i < DRAWS; i++) {
        struct scene scene;
        set_up(&scene);
        for (uint32_t j = 0; j <= i % 3 / 2; j++) { /* every third time two words */
            uint32_t *word = some_word(&scene, rng_u64(key, 4 * i + 2 * j));
            *word = some_value(&scene, *word, rng_u64(key, 4 * i + 2 * j + 1));
        }
        char message[300];
        struct kv_pool *loaded = reload_pool(scene.pool, scene.list, TURNS, message, sizeof message);
        if (loaded) {
            kv_pool_destroy(scene.pool);
            scene.pool = loaded;
            use(&scene);
        } else {
            refused++;
        }
        tear_down(&scene);
    }
    print_message("%u of %u damaged pools refused\n", refused, DRAWS);
    assert_true(refused > DRAWS / 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loaded_pool_goes_on),
        cmocka_unit_test(damage_is_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
