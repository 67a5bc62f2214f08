#include "kv/random_programs.h"

#include "kv/lockstep.h"

#include "base/mem.h"

enum { MAX_PROGRAMS = 7, COMPARE_EVERY = 4, RELOAD_EVERY = 64 };

enum phase { IDLE, WAITING, RUNNING };

struct agent {
    struct lockstep_turn turn; /* first: compared with a stride */
    enum phase phase;
    uint64_t stream; /* of the private tail of the context; where it goes on */
    uint32_t position;
    uint32_t prompt;   /* tokens */
    uint32_t known;    /* tokens that exist: prompt and what has been generated */
    uint32_t computed; /* tokens whose KV exists */
    uint32_t total;    /* tokens of the turn, output included */
};

struct world {
    struct lockstep both;
    struct agent agents[2 * MAX_PROGRAMS]; /* behind those that act, what is held when their turn has ended */
    uint32_t n_agents;
    uint32_t n_blocks;
    uint32_t n_shared; /* system prompts, each a stream */
    uint32_t shared_tokens[3];
    uint64_t n_streams;
    bool unique_outputs;
    bool keeps;
    struct random_totals *totals;
};

static uint32_t draw(struct world *world, uint32_t n)
{
    return lockstep_draw(&world->both, n);
}

/* Mostly any number up to `most`, sometimes whole blocks, where the n-1 rule bites. */
static uint32_t draw_tokens(struct world *world, uint32_t most)
{
    const uint32_t tokens = 1 + draw(world, most);
    const uint32_t size = world->both.block_size;
    return draw(world, 3) ? tokens : (tokens + size - 1) / size * size;
}

static void fork_stream(struct world *world, struct agent *agent)
{
    agent->stream = stream_private(1, (uint32_t)world->n_streams++);
    agent->position = draw(world, 3) ? 0 : draw(world, 1000);
}

static void append_private(struct agent *agent, uint32_t tokens)
{
    extent_list_append(&agent->turn.content, (struct extent){agent->stream, agent->position, tokens});
    agent->position += tokens;
}

static void restart(struct world *world, struct agent *agent)
{
    extent_list_cut(&agent->turn.content, 0);
    const uint32_t shared = draw(world, world->n_shared + 1);
    if (shared < world->n_shared) {
        const uint32_t most = world->shared_tokens[shared];
        const uint32_t count = draw(world, 3) ? most : 1 + draw(world, most);
        extent_list_append(&agent->turn.content, (struct extent){stream_common(STREAM_SHARED, shared), 0, count});
    }
    fork_stream(world, agent);
}

/* Takes over another agent's context; with the same stream the two go on equally until one is cut. */
static void clone(struct world *world, struct agent *agent, const struct agent *other)
{
    if (other == agent || !other->turn.content.n) {
        return;
    }
    extent_list_cut(&agent->turn.content, 0);
    for (size_t i = 0; i < other->turn.content.n; i++) {
        extent_list_append(&agent->turn.content, other->turn.content.items[i]);
    }
    agent->stream = other->stream;
    agent->position = other->position;
    if (world->unique_outputs || other->phase != IDLE) {
        extent_list_cut(&agent->turn.content, other->phase == IDLE ? other->total : other->prompt);
        fork_stream(world, agent);
    }
}

static void cut(struct world *world, struct agent *agent, uint32_t tokens)
{
    extent_list_cut(&agent->turn.content, tokens);
    fork_stream(world, agent);
}

/* Now and then the fresh tokens are ones that other prompts have in other places. */
static void ask(struct world *world, struct agent *agent, uint32_t fresh, uint32_t output)
{
    if (fresh && draw(world, 6) == 0) {
        extent_list_append(&agent->turn.content, (struct extent){stream_common(STREAM_SHARED, 9), 0, fresh});
    } else {
        append_private(agent, fresh);
    }
    agent->prompt = agent->turn.content.n_tokens;
    append_private(agent, output);
    agent->total = agent->turn.content.n_tokens;
}

static void next_turn(struct world *world, struct agent *agent)
{
    struct extent_list *content = &agent->turn.content;
    const uint32_t size = world->both.block_size;
    const uint32_t choice = draw(world, 16);
    uint32_t fresh = draw_tokens(world, 4 * size);
    const uint32_t output = 1 + draw(world, 3 * size);
    const bool same_turn = content->n_tokens && choice >= 8 && choice < 11 && !world->unique_outputs;
    if (!content->n_tokens || choice == 0) {
        restart(world, agent);
    } else if (choice < 5) {
        clone(world, agent, &world->agents[draw(world, world->n_agents)]);
    } else if (choice < 7) {
        cut(world, agent, draw(world, content->n_tokens + 1));
    } else if (choice == 7) { /* the same prompt, another output */
        cut(world, agent, agent->prompt);
        fresh = 0;
    }
    if (!same_turn) {
        ask(world, agent, fresh, output);
    }
    const uint32_t room = (world->n_blocks - 1) * size;
    if (agent->total > room) {
        restart(world, agent);
        extent_list_cut(content, content->n_tokens < room / 2 ? content->n_tokens : room / 2);
        ask(world, agent, 1 + draw(world, room / 4), 1 + draw(world, room / 5));
    }
    lockstep_name(&world->both, &agent->turn, 0);
    agent->known = agent->prompt;
    agent->computed = 0;
    agent->phase = WAITING;
}

static uint32_t blocks_of(const struct world *world, uint32_t tokens)
{
    return (tokens + world->both.block_size - 1) / world->both.block_size;
}

/* Computes `tokens` more; false when the blocks for them are not free. */
static bool compute(struct world *world, struct agent *agent, uint32_t tokens)
{
    const uint32_t wanted = blocks_of(world, agent->computed + tokens) - agent->turn.plain.n;
    if (wanted > kv_free(world->both.pool)) {
        return false;
    }
    const bool decode = agent->computed >= agent->prompt;
    agent->computed += tokens;
    lockstep_grow(&world->both, &agent->turn, wanted, agent->computed / world->both.block_size, decode);
    return true;
}

static uint32_t next_chunk(struct world *world, const struct agent *agent)
{
    const uint32_t left = agent->known - agent->computed;
    return draw(world, 2) ? left : 1 + draw(world, left);
}

/* A preempted turn comes back as a longer prompt. Lazily decoded tokens are a prompt as well then. */
static void admit(struct world *world, struct agent *agent)
{
    const struct kv_hit hit = lockstep_lookup(&world->both, &agent->turn, agent->known);
    const uint32_t needed = blocks_of(world, agent->known) - hit.blocks + hit.free_blocks;
    if (needed > kv_free(world->both.pool)) {
        world->totals->refusals++;
        return;
    }
    lockstep_touch(&world->both, &agent->turn, hit);
    agent->prompt = agent->known;
    agent->computed = hit.blocks * world->both.block_size;
    agent->phase = RUNNING;
    world->totals->admissions++;
    compute(world, agent, next_chunk(world, agent));
}

static void release(struct world *world, struct agent *agent, enum phase phase)
{
    struct lockstep_turn *keeper = &world->agents[(size_t)(agent - world->agents) + world->n_agents].turn;
    const uint32_t choice = world->keeps ? draw(world, 4) : 0;
    if (choice == 1 && !keeper->plain.n) {
        lockstep_keep(&world->both, &agent->turn, keeper);
        world->totals->kept++;
    } else if (choice == 2) {
        lockstep_drop(&world->both, &agent->turn);
        world->totals->dropped++;
    } else {
        lockstep_release(&world->both, &agent->turn);
    }
    agent->phase = phase;
}

/* Somebody's kept blocks go one way or the other, so that others find room. */
static void let_go(struct world *world)
{
    struct agent *keeper = &world->agents[world->n_agents + draw(world, world->n_agents)];
    if (draw(world, 2)) {
        lockstep_shorten(&world->both, &keeper->turn, draw(world, keeper->turn.plain.n + 1));
        world->totals->shortened++;
    } else if (draw(world, 2)) {
        lockstep_drop(&world->both, &keeper->turn);
    } else {
        lockstep_release(&world->both, &keeper->turn);
    }
}

/* One step of a running turn: a chunk of its prompt, or one token after which one more is known. */
static void advance(struct world *world, struct agent *agent)
{
    const uint32_t chunk = agent->computed < agent->known ? next_chunk(world, agent) : 0;
    if (!compute(world, agent, chunk)) {
        struct agent *victim = agent;
        for (uint32_t i = draw(world, world->n_agents), left = world->n_agents; left--; i = (i + 1) % world->n_agents) {
            if (world->agents[i].phase == RUNNING) {
                victim = &world->agents[i];
                break;
            }
        }
        release(world, victim, WAITING);
        world->totals->preemptions++;
        return;
    }
    if (agent->computed == agent->known) {
        agent->known++;
    }
    if (agent->known >= agent->total) { /* the last token is sampled and never computed */
        release(world, agent, IDLE);
        world->totals->finished++;
    }
}

static void step(struct world *world)
{
    if (world->keeps && draw(world, 6) == 0) {
        let_go(world);
    }
    struct agent *agent = &world->agents[draw(world, world->n_agents)];
    if (agent->phase == IDLE) {
        next_turn(world, agent);
    }
    if (agent->phase == WAITING) {
        admit(world, agent);
        return;
    }
    if (draw(world, 40) == 0) {
        release(world, agent, draw(world, 2) ? WAITING : IDLE); /* preempted by a policy, or aborted */
        world->totals->preemptions++;
        return;
    }
    for (uint32_t n = 1 + draw(world, 2 * world->both.block_size); n-- && agent->phase == RUNNING;) {
        advance(world, agent);
    }
}

void random_programs(uint64_t seed, uint32_t steps, enum random_mode mode, struct random_totals *totals)
{
    static const uint32_t block_sizes[] = {4, 16, 1, 4, 64, 16, 4, 4};
    const bool lazy = mode == RANDOM_LAZY || (mode >= RANDOM_RELOADED && seed % 2);
    struct world world = {.totals = totals, .unique_outputs = lazy, .keeps = mode == RANDOM_KEPT};
    const uint32_t size = block_sizes[seed % 8];
    lockstep_init(&world.both, 1, size, true, seed);
    world.n_blocks = draw(&world, 3) ? 8 + draw(&world, 40) : 40 + draw(&world, 200);
    const uint32_t draws = world.both.draws;
    lockstep_fini(&world.both);
    lockstep_init(&world.both, world.n_blocks, size, mode != RANDOM_NO_CACHING, seed);
    world.both.draws = draws;
    world.both.lazy = lazy;
    world.n_agents = 1 + draw(&world, MAX_PROGRAMS);
    world.n_shared = 1 + draw(&world, 3);
    for (uint32_t i = 0; i < world.n_shared; i++) {
        world.shared_tokens[i] = draw_tokens(&world, size * 6);
    }
    for (; world.both.step < steps; world.both.step++) {
        step(&world);
        if (mode >= RANDOM_RELOADED && world.both.step % RELOAD_EVERY == RELOAD_EVERY / 2) {
            lockstep_reload(&world.both, &world.agents[0].turn, 2 * (size_t)world.n_agents, sizeof world.agents[0]);
        }
        if (world.keeps || world.both.step % COMPARE_EVERY == 0) {
            lockstep_compare(&world.both, &world.agents[0].turn, 2 * (size_t)world.n_agents, sizeof world.agents[0]);
        }
    }
    lockstep_compare(&world.both, &world.agents[0].turn, 2 * (size_t)world.n_agents, sizeof world.agents[0]);
    totals->hit_blocks += world.both.n_hits;
    totals->duplicates += world.both.n_duplicates;
    totals->evicted += kv_evicted(world.both.pool);
    for (uint32_t i = 0; i < world.n_agents; i++) {
        lockstep_release(&world.both, &world.agents[i].turn);
        lockstep_release(&world.both, &world.agents[world.n_agents + i].turn);
        lockstep_turn_fini(&world.agents[i].turn);
        lockstep_turn_fini(&world.agents[world.n_agents + i].turn);
    }
    lockstep_fini(&world.both);
}
