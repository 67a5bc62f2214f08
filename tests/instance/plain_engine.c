#include "instance/plain_engine.h"

#include "base/mem.h"
#include "kv/plain_pool.h"

#include <assert.h>
#include <string.h>

struct request {
    const struct turn_arrival *turn;
    struct plain_name *names; /* of every full block of prompt and output */
    struct plain_holder holder;
    uint32_t max_output;
    uint32_t n_output; /* sampled, or sure to be sampled by a batch in flight */
    uint32_t computed;
    uint32_t target; /* tokens to compute until this admission's first sample */
    uint32_t lost;   /* computed tokens thrown away by the last preemption */
    bool was_admitted;
    bool all_scheduled; /* the last token is in a batch in flight */
    simtime waiting_since;
    simtime last_token; /* so far */
    struct turn_record record;
};

/* A list of requests; small enough to shift. */
struct line {
    struct request **items;
    uint32_t n;
};

struct scheduled {
    struct request *request;
    bool samples; /* its first token comes out, if it has not before */
    bool ends;    /* its last one */
};

struct flight {
    simtime end;
    struct scheduled *items;
    uint32_t n;
};

struct engine {
    const struct engine_config *config;
    struct step_time *step_time;
    struct plain_pool pool;
    struct line running;
    struct line waiting;
    struct flight flights[2];
    uint32_t n_flights;
    simtime device_free;
    uint64_t received;
    struct prefill_chunk *chunks;
    size_t states_capacity;
    simtime gaps_from;
    struct plain_run *out;
};

const char *plain_event_name(enum plain_event event)
{
    static const char *const names[] = {
        [PLAIN_SEVERAL_CHUNKS] = "several chunks in a step",
        [PLAIN_SEVERAL_PARTIAL] = "several partly computed prompts",
        [PLAIN_CHUNK_OF_BUDGET] = "prompt cut by the budget",
        [PLAIN_STALLED_BY_BUDGET] = "running turn without budget",
        [PLAIN_PREEMPTED_DECODING] = "preempted while decoding",
        [PLAIN_PREEMPTED_PREFILLING] = "preempted while prefilling",
        [PLAIN_PREEMPTED_DRAINING] = "preempted with the last token in flight",
        [PLAIN_PREEMPTED_ITSELF] = "preempted itself",
        [PLAIN_RESUMED_WITH_HIT] = "resumed on cached blocks",
        [PLAIN_RESUMED_BEYOND_PROMPT] = "resumed with output",
        [PLAIN_HEAD_LACKS_BLOCKS] = "head lacks blocks",
        [PLAIN_HEAD_LACKS_FULL_PROMPT] = "head lacks blocks for its full prompt only",
        [PLAIN_HEAD_BELOW_WATERMARK] = "head held back by the watermark",
        [PLAIN_HEAD_EXCEEDS_BUDGET] = "head exceeds the budget, prompts are not cut",
        [PLAIN_SEQUENCES_AT_LIMIT] = "max_num_seqs reached",
        [PLAIN_FIRST_HIT] = "cached prefix",
        [PLAIN_HIT_OF_HELD_BLOCKS] = "cached prefix held by another turn",
        [PLAIN_HIT_BEYOND_PROMPT_OF_OTHER] = "hit on another turn's output",
        [PLAIN_ALL_BUT_LAST_BLOCK_HIT] = "last block of a cached prompt computed again",
        [PLAIN_CACHING_OFF] = "prefix caching off",
        [PLAIN_HOST_DELAYS_DEVICE] = "device waits for the host",
        [PLAIN_UNGRAPHED] = "step beyond the graph size",
        [PLAIN_DEPTH_ONE] = "queue of one",
        [PLAIN_DEPTH_TWO] = "queue of two",
        [PLAIN_LENGTH_LIMITED] = "output cut by the length limit",
        [PLAIN_PREFILL_ONLY] = "prefill only",
        [PLAIN_ONE_TOKEN_OUTPUT] = "output of one token",
        [PLAIN_SEVERAL_FINISH_AT_ONCE] = "several turns end at once",
    };
    return names[event];
}

static void insert(struct line *line, uint32_t at, struct request *request)
{
    memmove(line->items + at + 1, line->items + at, (line->n - at) * sizeof *line->items);
    line->items[at] = request;
    line->n++;
}

static void take_out(struct line *line, const struct request *request)
{
    uint32_t at = 0;
    while (line->items[at] != request) {
        at++;
    }
    line->n--;
    memmove(line->items + at, line->items + at + 1, (line->n - at) * sizeof *line->items);
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t blocks_of(const struct engine *engine, uint32_t tokens)
{
    return (tokens + engine->config->block_size - 1) / engine->config->block_size;
}

/* Tokens known so far, counting those that batches in flight will sample. */
static uint32_t known_tokens(const struct request *request)
{
    return request->turn->prompt_toks + request->n_output;
}

static uint32_t cut(const struct engine *engine, uint32_t tokens)
{
    const uint32_t threshold = engine->config->long_prefill_token_threshold;
    return threshold ? least(tokens, threshold) : tokens;
}

static void preempt(struct engine *engine, struct request *request, simtime now)
{
    uint64_t *seen = engine->out->seen;
    seen[request->all_scheduled                 ? PLAIN_PREEMPTED_DRAINING
         : request->computed >= request->target ? PLAIN_PREEMPTED_DECODING
                                                : PLAIN_PREEMPTED_PREFILLING]++;
    plain_release(&engine->pool, &request->holder);
    request->lost = request->computed;
    request->computed = 0;
    request->waiting_since = now;
    request->record.preemptions++;
    engine->out->preemptions++;
    take_out(&engine->running, request);
    insert(&engine->waiting, 0, request);
}

struct composition {
    uint32_t budget;
    struct scheduled *items;
    uint32_t n;
    uint32_t n_decode;
    uint64_t decode_context;
    uint32_t n_chunks;
    uint32_t tokens;
};

/* `tokens` more of a request whose blocks are allocated: counted as computed, full blocks hashed, sampling decided. */
static void schedule(struct engine *engine, struct composition *step, struct request *request, uint32_t tokens)
{
    const bool is_decode = request->was_admitted && request->computed >= request->target;
    const uint32_t before = request->computed;
    request->computed += tokens;
    plain_hash(&engine->pool, &request->holder, request->names, request->computed / engine->config->block_size);
    const bool samples = request->computed == known_tokens(request) && request->n_output < request->max_output;
    if (is_decode) {
        step->n_decode++;
        step->decode_context += request->computed;
    } else {
        engine->chunks[step->n_chunks++] =
            (struct prefill_chunk){.tokens = tokens, .context = before, .sampled = samples};
    }
    request->n_output += samples;
    request->all_scheduled = request->n_output == request->max_output &&
                             request->computed + (request->max_output > 0) >= known_tokens(request);
    step->items[step->n++] = (struct scheduled){request, samples || request->all_scheduled, request->all_scheduled};
    step->budget -= tokens;
    step->tokens += tokens;
}

/* Running requests in order. True when somebody was preempted. */
static bool schedule_running(struct engine *engine, struct composition *step, simtime now)
{
    const uint64_t before = engine->out->preemptions;
    uint32_t i = 0;
    for (; i < engine->running.n && step->budget; i++) {
        struct request *request = engine->running.items[i];
        if (request->all_scheduled) {
            continue;
        }
        const uint32_t tokens = least(cut(engine, known_tokens(request) - request->computed), step->budget);
        assert(tokens);
        const uint32_t wanted = blocks_of(engine, request->computed + tokens) - request->holder.n;
        bool lost = false;
        while (wanted > engine->pool.free && !lost) {
            struct request *victim = engine->running.items[engine->running.n - 1];
            preempt(engine, victim, now);
            lost = victim == request;
        }
        if (lost) {
            engine->out->seen[PLAIN_PREEMPTED_ITSELF]++;
            break;
        }
        plain_alloc(&engine->pool, &request->holder, wanted);
        schedule(engine, step, request, tokens);
    }
    for (; i < engine->running.n && !step->budget; i++) {
        engine->out->seen[PLAIN_STALLED_BY_BUDGET] += !engine->running.items[i]->all_scheduled;
    }
    return engine->out->preemptions != before;
}

static void note_admission(struct engine *engine, const struct request *request, uint32_t hits, uint32_t free_hits)
{
    uint64_t *seen = engine->out->seen;
    const uint32_t prompt = request->turn->prompt_toks;
    if (request->was_admitted) {
        seen[PLAIN_RESUMED_WITH_HIT] += hits > 0;
        seen[PLAIN_RESUMED_BEYOND_PROMPT] += request->n_output > 0;
        return;
    }
    seen[PLAIN_FIRST_HIT] += hits > 0;
    seen[PLAIN_HIT_OF_HELD_BLOCKS] += hits > free_hits;
    seen[PLAIN_ALL_BUT_LAST_BLOCK_HIT] += hits && prompt % engine->config->block_size == 0 &&
                                          (hits + 1) * engine->config->block_size == prompt &&
                                          plain_find(&engine->pool, &request->names[hits]) != PLAIN_NONE;
    seen[PLAIN_CACHING_OFF] += !engine->config->prefix_caching;
    seen[PLAIN_LENGTH_LIMITED] += request->record.length_limited;
    seen[PLAIN_PREFILL_ONLY] += request->max_output == 0;
    seen[PLAIN_ONE_TOKEN_OUTPUT] += request->max_output == 1;
}

/* Whether a block that `request` hits was filled by the output of a turn still running. */
static bool hits_output(const struct engine *engine, const struct request *request, uint32_t hits)
{
    for (uint32_t i = 0; i < engine->running.n && hits; i++) {
        const struct request *other = engine->running.items[i];
        const uint32_t first = blocks_of(engine, other->turn->prompt_toks);
        if (first < hits && other->holder.hashed > first &&
            other->holder.blocks[first] == plain_find(&engine->pool, &request->names[first])) {
            return true;
        }
    }
    return false;
}

/* The first waiting request, if it fits. */
static bool admit_head(struct engine *engine, struct composition *step, simtime now)
{
    const struct engine_config *config = engine->config;
    uint64_t *seen = engine->out->seen;
    struct request *request = engine->waiting.items[0];
    const uint32_t known = known_tokens(request);
    uint32_t free_hits;
    const uint32_t hits = plain_lookup(&engine->pool, request->names, known, &free_hits);
    const uint32_t start = hits * config->block_size;
    uint32_t tokens = cut(engine, known - start);
    if (!config->chunked_prefill && tokens > step->budget) {
        seen[PLAIN_HEAD_EXCEEDS_BUDGET]++;
        return false;
    }
    seen[PLAIN_CHUNK_OF_BUDGET] += tokens > step->budget;
    tokens = least(tokens, step->budget);
    const uint32_t chunk_blocks = blocks_of(engine, start + tokens) - hits;
    const uint32_t reserved = config->reserve_full_prompt ? blocks_of(engine, known) - hits : chunk_blocks;
    const uint32_t kept_free = step->n ? config->watermark_blocks : 0;
    if (reserved + free_hits + kept_free > engine->pool.free) {
        seen[PLAIN_HEAD_LACKS_BLOCKS]++;
        seen[PLAIN_HEAD_BELOW_WATERMARK] += reserved + free_hits <= engine->pool.free;
        seen[PLAIN_HEAD_LACKS_FULL_PROMPT] += chunk_blocks + free_hits + kept_free <= engine->pool.free;
        return false;
    }
    note_admission(engine, request, hits, free_hits);
    seen[PLAIN_HIT_BEYOND_PROMPT_OF_OTHER] += hits_output(engine, request, hits);
    if (!request->was_admitted) {
        request->record.first_scheduled = now;
        request->record.hit_toks = start;
    } else {
        request->record.requeue_wait += now - request->waiting_since;
        request->record.recomputed_toks += request->lost > start ? request->lost - start : 0;
    }
    request->was_admitted = true;
    request->target = known;
    take_out(&engine->waiting, request);
    insert(&engine->running, engine->running.n, request);
    plain_touch(&engine->pool, &request->holder, request->names, hits);
    plain_alloc(&engine->pool, &request->holder, chunk_blocks);
    request->computed = start;
    schedule(engine, step, request, tokens);
    return true;
}

/* Puts one batch in the queue; false when there is nothing to run. */
static bool compose(struct engine *engine, simtime now)
{
    const struct engine_config *config = engine->config;
    struct plain_run *out = engine->out;
    struct flight *flight = &engine->flights[engine->n_flights];
    struct composition step = {.budget = config->max_num_batched_tokens, .items = flight->items};
    if (!schedule_running(engine, &step, now)) {
        while (engine->waiting.n && step.budget) {
            if (engine->running.n >= config->max_num_seqs) {
                out->seen[PLAIN_SEQUENCES_AT_LIMIT]++;
                break;
            }
            if (!admit_head(engine, &step, now)) {
                break;
            }
        }
    }
    if (!step.n) {
        return false;
    }
    const struct step_cost cost = step_time_batch(
        engine->step_time, &(struct batch_shape){step.n_decode, step.decode_context, step.n_chunks, engine->chunks});
    simtime exposed = config->host.exposed;
    if (step.tokens > config->host.max_graph_tokens) {
        exposed += config->host.exposed_ungraphed;
        out->seen[PLAIN_UNGRAPHED]++;
    }
    const simtime ready = engine->device_free > now ? engine->device_free : now;
    simtime start = now + config->host.hideable;
    if (start < engine->device_free) {
        start = engine->device_free;
    } else {
        out->seen[PLAIN_HOST_DELAYS_DEVICE] += engine->n_flights > 0 && start > engine->device_free;
    }
    flight->n = step.n;
    flight->end = engine->device_free = start + cost.total + exposed;
    engine->n_flights++;
    out->busy += flight->end - ready;
    out->steps++;
    out->scheduled_tokens += step.tokens;
    const uint32_t used = engine->pool.n_blocks - 1 - engine->pool.free;
    out->peak_used_blocks = used > out->peak_used_blocks ? used : out->peak_used_blocks;
    uint32_t partial = 0;
    for (uint32_t i = 0; i < engine->running.n; i++) {
        partial += engine->running.items[i]->computed < engine->running.items[i]->target;
    }
    out->seen[PLAIN_SEVERAL_PARTIAL] += partial > 1;
    out->seen[PLAIN_SEVERAL_CHUNKS] += step.n_chunks > 1;
    out->seen[config->queue_depth == 1 ? PLAIN_DEPTH_ONE : PLAIN_DEPTH_TWO]++;
    return true;
}

static void finish(struct engine *engine, struct request *request, simtime now)
{
    bool is_running = false;
    for (uint32_t i = 0; i < engine->running.n; i++) {
        is_running = is_running || engine->running.items[i] == request;
    }
    if (is_running) {
        plain_release(&engine->pool, &request->holder);
        take_out(&engine->running, request);
    } else { /* preempted after its last token was scheduled */
        request->record.requeue_wait += now - request->waiting_since;
        take_out(&engine->waiting, request);
    }
    request->record.last_token = now;
    engine->out->ends[engine->out->n_ends++] =
        (struct turn_end){.record = request->record, .slot = request->turn->slot};
}

/* The oldest batch's tokens are out. */
static void end_step(struct engine *engine)
{
    struct flight done = engine->flights[0];
    engine->flights[0] = engine->flights[1];
    engine->flights[1] = done;
    engine->n_flights--;
    uint32_t finished = 0;
    for (uint32_t i = 0; i < done.n; i++) {
        struct request *request = done.items[i].request;
        if (done.items[i].samples && request->record.first_token == SIMTIME_NEVER) {
            request->record.first_token = request->last_token = done.end;
        } else if (done.items[i].samples) {
            if (request->last_token >= engine->gaps_from) {
                series_add(&engine->out->gaps, done.end - request->last_token);
            }
            request->last_token = done.end;
        }
        if (done.items[i].ends) {
            finish(engine, request, done.end);
            finished++;
        }
    }
    struct plain_run *out = engine->out;
    out->seen[PLAIN_SEVERAL_FINISH_AT_ONCE] += finished > 1;
    out->states = mem_grow(out->states, &engine->states_capacity, out->n_states + 1, sizeof *out->states);
    out->states[out->n_states++] = (struct plain_state){done.end,
                                                        {.running = engine->running.n,
                                                         .waiting = engine->waiting.n,
                                                         .used_blocks = engine->pool.n_blocks - 1 - engine->pool.free,
                                                         .received = engine->received}};
}

static void request_init(struct request *request, const struct engine *engine, uint32_t id,
                         const struct turn_arrival *turn)
{
    const uint32_t room = engine->config->max_model_len - turn->prompt_toks;
    const uint32_t blocks = turn->content.n_tokens / engine->config->block_size;
    *request = (struct request){.turn = turn, .max_output = least(turn->output_toks, room)};
    request->names = mem_zalloc((blocks + 1) * sizeof *request->names);
    plain_names(turn->content, engine->config->block_size, request->names, 0, blocks);
    request->record = (struct turn_record){.program = turn->program,
                                           .turn = turn->turn,
                                           .instance = id,
                                           .ready = turn->ready,
                                           .arrived = turn->time,
                                           .first_token = SIMTIME_NEVER,
                                           .prompt_toks = turn->prompt_toks,
                                           .output_toks = request->max_output,
                                           .length_limited = request->max_output < turn->output_toks};
}

static void engine_init(struct engine *engine, const struct engine_config *config, struct step_time *step_time,
                        uint32_t n_arrivals, struct plain_run *out)
{
    *engine = (struct engine){.config = config, .step_time = step_time, .out = out};
    plain_pool_init(&engine->pool, config->n_blocks, config->block_size, config->prefix_caching);
    engine->running.items = mem_alloc((n_arrivals + 1) * sizeof(struct request *));
    engine->waiting.items = mem_alloc((n_arrivals + 1) * sizeof(struct request *));
    engine->chunks = mem_alloc((n_arrivals + 1) * sizeof *engine->chunks);
    for (int i = 0; i < 2; i++) {
        engine->flights[i].items = mem_alloc((n_arrivals + 1) * sizeof *engine->flights[i].items);
    }
    *out = (struct plain_run){.ends = mem_alloc((n_arrivals + 1) * sizeof *out->ends)};
    series_init(&out->gaps, 0);
}

static void engine_fini(struct engine *engine)
{
    engine->out->evicted = engine->pool.evicted;
    plain_pool_fini(&engine->pool);
    mem_free(engine->running.items);
    mem_free(engine->waiting.items);
    mem_free(engine->chunks);
    mem_free(engine->flights[0].items);
    mem_free(engine->flights[1].items);
}

void plain_engine_run(const struct engine_config *config, uint32_t id, struct step_time *step_time,
                      const struct turn_arrival *arrivals, uint32_t n_arrivals, simtime gaps_from,
                      struct plain_run *out)
{
    struct engine engine;
    engine_init(&engine, config, step_time, n_arrivals, out);
    engine.gaps_from = gaps_from;
    struct request *requests = mem_zalloc((n_arrivals + 1) * sizeof *requests);
    for (uint32_t arrived = 0; out->n_ends < n_arrivals;) {
        const simtime arrival = arrived < n_arrivals ? arrivals[arrived].time : SIMTIME_NEVER;
        const simtime end = engine.n_flights ? engine.flights[0].end : SIMTIME_NEVER;
        const simtime now = end < arrival ? end : arrival;
        assert(now != SIMTIME_NEVER); /* otherwise turns wait for ever */
        const bool was_idle = engine.n_flights == 0;
        const bool step_ends = end == now;
        if (step_ends) {
            end_step(&engine);
        }
        for (; arrived < n_arrivals && arrivals[arrived].time == now; arrived++) {
            request_init(&requests[arrived], &engine, id, &arrivals[arrived]);
            insert(&engine.waiting, engine.waiting.n, &requests[arrived]);
            engine.received++;
        }
        if (was_idle || step_ends) { /* otherwise the engine looks at its input when a step ends */
            while (engine.n_flights < config->queue_depth && compose(&engine, now)) {
            }
        }
    }
    for (uint32_t i = 0; i < n_arrivals; i++) {
        mem_free(requests[i].names);
        plain_holder_fini(&requests[i].holder);
    }
    mem_free(requests);
    engine_fini(&engine);
}

void plain_run_fini(struct plain_run *run)
{
    mem_free(run->ends);
    mem_free(run->states);
    series_fini(&run->gaps);
    *run = (struct plain_run){0};
}

struct load_snapshot plain_run_load(const struct plain_run *run, simtime instant)
{
    struct load_snapshot load = {0};
    for (size_t i = 0; i < run->n_states && run->states[i].time <= instant; i++) {
        load = run->states[i].load;
    }
    return load;
}
