/* One turn of an agent with a context of about 100k tokens on the KV pool: look up, touch, allocate and hash 800 new
 * prompt tokens, decode 220 tokens, release. Time per turn is 1 / items_per_second. */
#include "support/bench.h"

#include "base/mem.h"
#include "base/rng.h"
#include "kv/pool.h"
#include "kv/pool_internal.h"

enum { BLOCK = 16, FIRST_CONTEXT = 90000, NEW_TOKENS = 800, OUTPUT_TOKENS = 220, TURNS = 20, DROPPED = 4000 };

struct bench_agent {
    struct extent_list content;
    struct kv_holder holder;
    uint64_t stream;
    uint32_t position;
};

struct bench_case {
    uint32_t n_agents;
    uint32_t pool_percent; /* of the blocks of all contexts at their longest */
    uint32_t drop_every;   /* each so many turns a turn drops the end of its context; 0: never */
};

struct bench_fleet {
    struct kv_pool *pool;
    struct bench_agent *agents;
    uint32_t n_agents;
    uint32_t *order; /* which agent has the next turn */
    uint64_t n_streams;
    uint64_t hit_blocks;
    uint64_t asked_blocks;
};

static uint32_t blocks_of(uint32_t tokens)
{
    return (tokens + BLOCK - 1) / BLOCK;
}

static void say(struct bench_agent *agent, uint32_t tokens)
{
    extent_list_append(&agent->content, (struct extent){agent->stream, agent->position, tokens});
    agent->position += tokens;
}

static void cut(struct bench_fleet *fleet, struct bench_agent *agent, uint32_t tokens)
{
    extent_list_cut(&agent->content, tokens);
    agent->stream = stream_private(fleet->n_streams++, 0);
    agent->position = 0;
}

static void turn(struct bench_fleet *fleet, struct bench_agent *agent, uint32_t new_tokens)
{
    struct kv_pool *pool = fleet->pool;
    say(agent, new_tokens);
    const uint32_t prompt = agent->content.n_tokens;
    say(agent, OUTPUT_TOKENS);
    const uint32_t computed = agent->content.n_tokens - 1;
    const struct content content = extent_list_content(&agent->content);
    const struct kv_hit hit = kv_lookup(pool, content, prompt);
    fleet->hit_blocks += hit.blocks;
    fleet->asked_blocks += prompt / BLOCK;
    kv_touch(pool, &agent->holder, content, hit);
    kv_alloc(pool, &agent->holder, blocks_of(prompt) - hit.blocks);
    kv_hash(pool, &agent->holder, content, prompt / BLOCK);
    const uint32_t decoded = blocks_of(computed) - blocks_of(prompt);
    kv_reserve(pool, decoded);
    kv_claim(pool, &agent->holder, decoded);
    kv_hash(pool, &agent->holder, content, computed / BLOCK);
    kv_release(pool, &agent->holder);
}

/* Every agent a new program with a first turn of FIRST_CONTEXT tokens. */
static void restart(struct bench_fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->n_agents; i++) {
        cut(fleet, &fleet->agents[i], 0);
        turn(fleet, &fleet->agents[i], FIRST_CONTEXT);
    }
}

static void count_memory(struct bench_state *state, const struct bench_fleet *fleet)
{
    const struct prefix_index *index = &fleet->pool->index;
    const size_t bytes = fleet->pool->queue.store.capacity * sizeof(struct kv_cell) +
                         (index->slot_mask + (size_t)1) * sizeof *index->slots +
                         fleet->n_agents * fleet->agents[0].holder.capacity * sizeof(struct kv_range);
    bench_counter(state, "bytes_per_program", (double)bytes / fleet->n_agents);
    bench_counter(state, "nodes_per_program", (double)index->n_live / fleet->n_agents);
    bench_counter(state, "hit_share", (double)fleet->hit_blocks / (double)fleet->asked_blocks);
}

static void run_case(struct bench_state *state, struct bench_case c)
{
    const uint32_t longest = FIRST_CONTEXT + TURNS * (NEW_TOKENS + OUTPUT_TOKENS);
    const uint64_t blocks = (uint64_t)c.n_agents * blocks_of(longest) * c.pool_percent / 100;
    struct bench_fleet fleet = {.n_agents = c.n_agents,
                                .pool = kv_pool_create((uint32_t)blocks, BLOCK, true),
                                .agents = mem_zalloc(c.n_agents * sizeof *fleet.agents),
                                .order = mem_alloc(c.n_agents * TURNS * sizeof *fleet.order)};
    for (uint32_t i = 0; i < c.n_agents * TURNS; i++) {
        fleet.order[i] = i % c.n_agents;
        const uint32_t other = (uint32_t)(rng_u64((struct rng_key){.seed = 1}, i) % (i + 1));
        const uint32_t swapped = fleet.order[other];
        fleet.order[other] = fleet.order[i];
        fleet.order[i] = swapped;
    }
    restart(&fleet);
    while (bench_next(state)) {
        bench_pause(state);
        restart(&fleet);
        fleet.hit_blocks = fleet.asked_blocks = 0;
        bench_resume(state);
        for (uint32_t i = 0; i < c.n_agents * TURNS; i++) {
            struct bench_agent *agent = &fleet.agents[fleet.order[i]];
            if (c.drop_every && i % c.drop_every == 0) {
                cut(&fleet, agent, agent->content.n_tokens - DROPPED);
            }
            turn(&fleet, agent, NEW_TOKENS);
        }
    }
    bench_items(state, c.n_agents * TURNS);
    count_memory(state, &fleet);
    for (uint32_t i = 0; i < c.n_agents; i++) {
        extent_list_fini(&fleet.agents[i].content);
        kv_holder_fini(&fleet.agents[i].holder);
    }
    mem_free(fleet.agents);
    mem_free(fleet.order);
    kv_pool_destroy(fleet.pool);
}

/* Half a pool of room: ended programs leave before a turn needs their blocks. */
static void kv_turn_ample(struct bench_state *state)
{
    run_case(state, (struct bench_case){.n_agents = 200, .pool_percent = 150});
}

/* Every turn evicts, mostly from programs that ended. */
static void kv_turn_tight(struct bench_state *state)
{
    run_case(state, (struct bench_case){.n_agents = 200, .pool_percent = 95});
}

/* Every turn evicts from programs that come back. */
static void kv_turn_thrashing(struct bench_state *state)
{
    run_case(state, (struct bench_case){.n_agents = 200, .pool_percent = 50});
}

/* Every fourth turn first drops the last 4,000 tokens of its context. */
static void kv_turn_drops(struct bench_state *state)
{
    run_case(state, (struct bench_case){.n_agents = 200, .pool_percent = 120, .drop_every = 4});
}

/* Each program's state has left the processor's caches when its next turn comes. */
static void kv_turn_10k_programs(struct bench_state *state)
{
    run_case(state, (struct bench_case){.n_agents = 10000, .pool_percent = 120});
}

/* ---- many pools ----
 *
 * A cluster whose instances take turns in the caches: 1,024 pools of 27,700 blocks, on each 24 agents at a time with
 * turns of 600 new and 200 output tokens after 2,000 shared and 1,000 first ones, ten turns each. An agent that ends
 * makes way for a new one, so every turn evicts. */
enum { POOLS = 1024, AGENTS = 24, POOL_BLOCKS = 27700, POOL_TURNS = 10, VISITS = 1 << 18 };

static void arrive(struct bench_fleet *fleet, struct bench_agent *agent)
{
    extent_list_cut(&agent->content, 0);
    extent_list_append(&agent->content, (struct extent){stream_common(STREAM_SHARED, 0), 0, 2000});
    agent->stream = stream_private(fleet->n_streams++, 0);
    agent->position = 0;
    say(agent, 400); /* and 600 more */
}

static void visit(struct bench_fleet *fleet, struct bench_agent *agent, uint64_t draw)
{
    if (agent->content.n_tokens == 0 || agent->content.n_tokens > 3000 + (POOL_TURNS - 1) * 800) {
        arrive(fleet, agent);
    }
    turn(fleet, agent, 400 + (uint32_t)(draw % 400));
}

static void kv_turn_1024_pools(struct bench_state *state)
{
    static struct bench_fleet fleets[POOLS];
    for (uint32_t i = 0; i < POOLS; i++) {
        fleets[i] = (struct bench_fleet){.n_agents = AGENTS,
                                         .pool = kv_pool_create(POOL_BLOCKS, BLOCK, true),
                                         .agents = mem_zalloc(AGENTS * sizeof *fleets[i].agents)};
    }
    uint64_t draws = 0;
    const struct rng_key key = {.seed = 1};
    for (uint32_t i = 0; i < POOLS * 1000; i++) {
        const uint64_t draw = rng_u64(key, draws++);
        struct bench_fleet *fleet = &fleets[i % POOLS];
        visit(fleet, &fleet->agents[draw % AGENTS], draw >> 32);
    }
    while (bench_next(state)) {
        for (uint32_t i = 0; i < VISITS; i++) {
            const uint64_t draw = rng_u64(key, draws++);
            struct bench_fleet *fleet = &fleets[draw % POOLS];
            visit(fleet, &fleet->agents[(draw >> 16) % AGENTS], draw >> 32);
        }
    }
    bench_items(state, VISITS);
    for (uint32_t i = 0; i < POOLS; i++) {
        for (uint32_t j = 0; j < AGENTS; j++) {
            extent_list_fini(&fleets[i].agents[j].content);
            kv_holder_fini(&fleets[i].agents[j].holder);
        }
        mem_free(fleets[i].agents);
        kv_pool_destroy(fleets[i].pool);
    }
}

BENCH(kv_turn_1024_pools)
BENCH(kv_turn_ample)
BENCH(kv_turn_tight)
BENCH(kv_turn_thrashing)
BENCH(kv_turn_drops)
BENCH(kv_turn_10k_programs)
