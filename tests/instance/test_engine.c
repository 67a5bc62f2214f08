/* Small histories worked out by hand: which steps are composed, in what order, and when their tokens come out. Step
 * times are asked of the step-time model, so that only the engine is under test. */
#include "support/support.h"

#include "instance/scenario.h"
#include "kv/pool.h"

enum { MOST_TURNS = 4 };

struct fixture {
    struct step_time *step_time;
    struct engine_config config;
    uint32_t n;
    struct turn_arrival turns[MOST_TURNS];
    struct extent extents[MOST_TURNS];
    struct turn_record records[MOST_TURNS]; /* of the turns, by number */
    uint32_t order[MOST_TURNS];             /* in which they ended */
    struct instance_counters counters;
    struct series gaps; /* between tokens, in the last run, */
    simtime gaps_from;  /* those that begin then or later */
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){.step_time = scenario_step_time()};
    fixture.config = (struct engine_config){.n_blocks = 1001,
                                            .block_size = 16,
                                            .max_num_seqs = 8,
                                            .max_num_batched_tokens = 512,
                                            .max_model_len = 1000,
                                            .queue_depth = 1,
                                            .prefix_caching = true,
                                            .chunked_prefill = true,
                                            .host = {.max_graph_tokens = 512},
                                            .telemetry_period = SIMTIME_S};
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    step_time_destroy(fixture->step_time);
    series_fini(&fixture->gaps);
    return 0;
}

/* Adds a turn with tokens of its own; returns its number. */
static uint32_t add(struct fixture *fixture, simtime time, uint32_t prompt, uint32_t output)
{
    const uint32_t i = fixture->n++;
    fixture->extents[i] = (struct extent){stream_private(i, 0), 0, prompt + output};
    fixture->turns[i] = (struct turn_arrival){.program = i,
                                              .slot = i,
                                              .ready = time,
                                              .time = time,
                                              .content = {&fixture->extents[i], 1, prompt + output},
                                              .prompt_toks = prompt,
                                              .output_toks = output,
                                              .lead = SIMTIME_NEVER};
    return i;
}

static void serve_in(struct fixture *fixture, enum engine_stepping stepping)
{
    struct engine_config config = fixture->config;
    config.stepping = stepping;
    struct instance *instance = instance_create(3, &config, fixture->step_time, NULL);
    series_fini(&fixture->gaps);
    series_init(&fixture->gaps, 0);
    instance_note_gaps(instance, &fixture->gaps, fixture->gaps_from);
    uint32_t delivered = 0;
    uint32_t ended = 0;
    while (ended < fixture->n) {
        const simtime next = delivered < fixture->n ? fixture->turns[delivered].time : SIMTIME_NEVER;
        while (instance_advance(instance, (struct event_key){.time = next, .phase = PHASE_ARRIVAL})) {
            uint32_t n;
            const struct turn_end *ends = instance_take_ends(instance, &n);
            for (uint32_t i = 0; i < n; i++) {
                fixture->records[ends[i].slot] = ends[i].record;
                fixture->order[ended++] = ends[i].slot;
            }
        }
        if (next == SIMTIME_NEVER) {
            assert_int_equal(ended, fixture->n);
        } else {
            instance_deliver(instance, &fixture->turns[delivered++]);
        }
    }
    instance_check(instance);
    assert_int_equal(kv_free(instance_pool(instance)), config.n_blocks - 1);
    assert_int_equal(instance_turns_inside(instance), 0);
    fixture->counters = *instance_counters(instance);
    instance_destroy(instance);
}

#define EACH_STEPPING(FIXTURE)                                                                                         \
    for (int stepping = ENGINE_PLAIN;                                                                                  \
         stepping <= ENGINE_FAST_FORWARD && (serve_in(FIXTURE, (enum engine_stepping)stepping), true); stepping++)

/* Times of steps: decoding sequences and the sum of their contexts, own new tokens included; or chunks. */
static simtime decode(const struct fixture *fixture, uint32_t n, uint64_t context)
{
    return step_time_batch(fixture->step_time, &(struct batch_shape){.n_decode = n, .decode_context = context}).total;
}

static simtime mixed(const struct fixture *fixture, uint32_t n, uint64_t context, uint32_t n_chunks,
                     const struct prefill_chunk *chunks)
{
    return step_time_batch(fixture->step_time, &(struct batch_shape){n, context, n_chunks, chunks}).total;
}

#define PREFILL(FIXTURE, ...)                                                                                          \
    mixed(FIXTURE, 0, 0, sizeof((struct prefill_chunk[]){__VA_ARGS__}) / sizeof(struct prefill_chunk),                 \
          (const struct prefill_chunk[]){__VA_ARGS__})
#define WHOLE(TOKENS)                                                                                                  \
    {                                                                                                                  \
        .tokens = TOKENS, .context = 0, .sampled = 1                                                                   \
    }

static void two_turns_share_steps(void **state)
{
    struct fixture *f = *state;
    const uint32_t a = add(f, 0, 100, 3);
    const uint32_t b = add(f, 0, 50, 2);
    const simtime first = PREFILL(f, WHOLE(100), WHOLE(50));
    const simtime second = first + decode(f, 2, 101 + 51);
    const simtime third = second + decode(f, 1, 102);
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[a].first_scheduled, 0);
        assert_int_equal(f->records[a].first_token, first);
        assert_int_equal(f->records[b].first_token, first);
        assert_int_equal(f->records[b].last_token, second);
        assert_int_equal(f->records[a].last_token, third);
        assert_int_equal(f->counters.steps, 3);
        assert_int_equal(f->counters.scheduled_tokens, 150 + 2 + 1);
        assert_int_equal(f->counters.peak_used_blocks, 7 + 4);
    }
}

static void long_prompts_go_in_chunks_beside_decodes(void **state)
{
    struct fixture *f = *state;
    f->config.max_num_batched_tokens = 64;
    const uint32_t a = add(f, 0, 10, 4);
    const uint32_t b = add(f, 0, 150, 1);
    /* The first step holds all of a and the 54 tokens that the budget leaves for b; then a decode takes one each. */
    const simtime first = PREFILL(f, WHOLE(10), {.tokens = 54, .context = 0});
    const simtime second = first + mixed(f, 1, 11, 1, &(struct prefill_chunk){.tokens = 63, .context = 54});
    const simtime third = second + mixed(f, 1, 12, 1, &(struct prefill_chunk){33, 117, 1});
    const simtime fourth = third + decode(f, 1, 13);
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[a].first_token, first);
        assert_int_equal(f->records[b].first_scheduled, 0);
        assert_int_equal(f->records[b].first_token, third);
        assert_int_equal(f->records[b].last_token, third);
        assert_int_equal(f->records[a].last_token, fourth);
    }
}

static void a_threshold_leaves_budget_for_others(void **state)
{
    struct fixture *f = *state;
    f->config.long_prefill_token_threshold = 40;
    const uint32_t a = add(f, 0, 100, 1);
    const uint32_t b = add(f, 0, 60, 1);
    const simtime first = PREFILL(f, {40, 0, 0}, {40, 0, 0});
    const simtime second = first + PREFILL(f, {40, 40, 0}, {20, 40, 1});
    const simtime third = second + PREFILL(f, {20, 80, 1});
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[b].last_token, second);
        assert_int_equal(f->records[a].last_token, third);
    }
}

static void uncut_prompts_wait_for_the_whole_budget(void **state)
{
    struct fixture *f = *state;
    f->config.chunked_prefill = false;
    f->config.max_num_batched_tokens = 128;
    const uint32_t a = add(f, 0, 100, 2);
    const uint32_t b = add(f, 0, 127, 1);
    const uint32_t c = add(f, 0, 20, 1); /* would fit beside a, but b stands before it */
    const simtime first = PREFILL(f, WHOLE(100));
    const simtime second = first + mixed(f, 1, 101, 1, &(struct prefill_chunk)WHOLE(127));
    const simtime third = second + PREFILL(f, WHOLE(20));
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[a].last_token, second);
        assert_int_equal(f->records[b].first_scheduled, first);
        assert_int_equal(f->records[b].last_token, second);
        assert_int_equal(f->records[c].last_token, third);
    }
}

static void nobody_passes_a_head_that_lacks_blocks(void **state)
{
    struct fixture *f = *state;
    f->config.n_blocks = 1 + 10;
    f->config.max_model_len = 160;
    const uint32_t a = add(f, 0, 96, 3); /* 6 blocks, and a seventh for its output */
    const uint32_t b = add(f, 0, 80, 1); /* 5 blocks: too many beside a */
    const uint32_t c = add(f, 0, 16, 1); /* one block, behind b */
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[b].first_scheduled, f->records[a].last_token);
        assert_int_equal(f->records[c].first_scheduled, f->records[a].last_token);
        assert_int_equal(f->order[0], a);
    }
}

/* Two turns of 32 tokens and 20 outputs outgrow six blocks when they reach their 49th token. */
static void preemption(void **state)
{
    struct fixture *f = *state;
    f->config.n_blocks = 1 + 6;
    f->config.max_model_len = 64;
    f->config.max_num_seqs = 2;
    const uint32_t a = add(f, 0, 32, 20);
    const uint32_t b = add(f, 0, 32, 20);
    const uint32_t c = add(f, 0, 10, 1);
    struct series gaps;
    series_init(&gaps, 0);
    simtime now = PREFILL(f, WHOLE(32), WHOLE(32));
    for (uint32_t computed = 33; computed <= 48; computed++) {
        now += decode(f, 2, 2 * computed);
        series_add(&gaps, decode(f, 2, 2 * computed));
        series_add(&gaps, decode(f, 2, 2 * computed));
    }
    const simtime preempted = now; /* b goes, c is not let in though there is a place and a block for it */
    for (uint32_t computed = 49; computed <= 51; computed++) {
        now += decode(f, 1, computed);
        series_add(&gaps, decode(f, 1, computed));
    }
    const simtime resumed = now;
    /* The block that a took was b's last one; of 49 tokens known (48 computed, one more sampled) 32 are cached. */
    now += PREFILL(f, {.tokens = 17, .context = 32, .sampled = 1}, WHOLE(10));
    const simtime short_end = now;
    now += decode(f, 1, 50);
    now += decode(f, 1, 51);
    series_add(&gaps, short_end - preempted);
    series_add(&gaps, decode(f, 1, 50));
    series_add(&gaps, decode(f, 1, 51));
    const struct gaps_seen expected = gaps_seen(&gaps);
    series_fini(&gaps);
    EACH_STEPPING(f)
    {
        const struct gaps_seen seen = gaps_seen(&f->gaps);
        assert_true(same_gaps(&seen, &expected));
        assert_int_equal(seen.n, 2 * 19);
        assert_int_equal(f->counters.preemptions, 1);
        assert_int_equal(f->records[a].preemptions, 0);
        assert_int_equal(f->records[a].last_token, resumed);
        assert_int_equal(f->records[b].preemptions, 1);
        assert_int_equal(f->records[b].requeue_wait, resumed - preempted);
        assert_int_equal(f->records[b].recomputed_toks, 16);
        assert_int_equal(f->records[b].hit_toks, 0);
        assert_int_equal(f->records[b].last_token, now);
        assert_int_equal(f->records[c].first_scheduled, resumed);
        assert_int_equal(f->records[c].last_token, short_end);
    }
}

/* From the very instant of a token on, within a stretch of steps. */
static void gaps_are_heard_of_from_a_time_on(void **state)
{
    struct fixture *f = *state;
    const uint32_t a = add(f, 0, 10, 40);
    simtime now = PREFILL(f, WHOLE(10));
    for (uint32_t token = 2; token <= 20; token++) {
        now += decode(f, 1, 9 + token);
    }
    const simtime twentieth = now;
    for (int late = -1; late <= 1; late++) {
        f->gaps_from = twentieth + late;
        EACH_STEPPING(f)
        {
            assert_int_equal(f->gaps.n, late > 0 ? 19 : 20);
            if (late == 0) {
                assert_true(f->gaps.sum == (unsigned __int128)(f->records[a].last_token - twentieth));
            }
        }
    }
}

static void a_cached_prompt_computes_its_last_block_again(void **state)
{
    struct fixture *f = *state;
    const uint32_t a = add(f, 0, 64, 1);
    const uint32_t b = add(f, SIMTIME_S, 64, 1);
    const uint32_t c = add(f, 2 * SIMTIME_S, 70, 1);
    f->extents[b].stream = f->extents[c].stream = f->extents[a].stream;
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[a].hit_toks, 0);
        assert_int_equal(f->records[b].hit_toks, 48);
        assert_int_equal(f->records[b].last_token, SIMTIME_S + PREFILL(f, {16, 48, 1}));
        assert_int_equal(f->records[c].hit_toks, 64);
        assert_int_equal(f->records[c].last_token, 2 * SIMTIME_S + PREFILL(f, {6, 64, 1}));
    }
    f->config.prefix_caching = false;
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[b].hit_toks, 0);
        assert_int_equal(f->records[c].last_token, 2 * SIMTIME_S + PREFILL(f, WHOLE(70)));
    }
}

/* What a returning program finds: all full blocks of what was computed, that is without the last sampled token. */
static void generated_blocks_are_cached(void **state)
{
    struct fixture *f = *state;
    const uint32_t a = add(f, 0, 20, 13);           /* computes 32 tokens */
    const uint32_t b = add(f, SIMTIME_S, 40, 1);    /* continues a */
    const uint32_t c = add(f, 2 * SIMTIME_S, 3, 1); /* filler, ends last */
    f->extents[b].stream = f->extents[a].stream;
    f->turns[a].output_toks = 12; /* computes 31 tokens: one block */
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[b].hit_toks, 16);
    }
    f->turns[a].output_toks = 13;
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[b].hit_toks, 32);
        assert_int_equal(f->order[2], c);
    }
}

/* An arrival in the middle of the third step of another turn. */
static void arrivals_wait_for_batches_in_the_queue(void **state)
{
    struct fixture *f = *state;
    const simtime second = PREFILL(f, WHOLE(100)) + decode(f, 1, 101);
    const uint32_t a = add(f, 0, 100, 6);
    const uint32_t b = add(f, second + 1, 16, 1);
    const simtime third = second + decode(f, 1, 102);
    const simtime fourth = third + decode(f, 1, 103);
    const struct prefill_chunk chunk = WHOLE(16);
    EACH_STEPPING(f) /* a queue of one: b is composed when the third step ends */
    {
        assert_int_equal(f->records[b].first_scheduled, third);
        assert_int_equal(f->records[b].first_token, third + mixed(f, 1, 103, 1, &chunk));
    }
    f->config.queue_depth = 2;
    EACH_STEPPING(f) /* a queue of two: by then the fourth step is already in the queue */
    {
        assert_int_equal(f->records[b].first_scheduled, third);
        assert_int_equal(f->records[b].first_token, fourth + mixed(f, 1, 104, 1, &chunk));
        assert_int_equal(f->records[a].last_token, fourth + mixed(f, 1, 104, 1, &chunk) + decode(f, 1, 105));
    }
}

static void host_time(void **state)
{
    struct fixture *f = *state;
    const uint32_t a = add(f, 0, 65, 4);
    const simtime prefill = PREFILL(f, WHOLE(65));
    const simtime decodes[] = {decode(f, 1, 66), decode(f, 1, 67), decode(f, 1, 68)};
    const simtime work = prefill + decodes[0] + decodes[1] + decodes[2];
    f->config.host = (struct host_time){.exposed = 1000, .exposed_ungraphed = 70000, .max_graph_tokens = 65};
    EACH_STEPPING(f) /* 65 tokens still run as a graph */
    {
        assert_int_equal(f->records[a].last_token, work + 4 * 1000);
        assert_int_equal(f->counters.part[STEP_HOST] >= 4 * 1000, true);
    }
    f->config.host.max_graph_tokens = 64;
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[a].first_token, prefill + 1000 + 70000);
        assert_int_equal(f->records[a].last_token, work + 4 * 1000 + 70000);
    }
    f->config.host = (struct host_time){.hideable = SIMTIME_MS, .max_graph_tokens = 512};
    EACH_STEPPING(f) /* a queue of one hides nothing */
    {
        assert_int_equal(f->records[a].last_token, work + 4 * SIMTIME_MS);
    }
    f->config.queue_depth = 2;
    EACH_STEPPING(f) /* a queue of two hides all but the first preparation */
    {
        assert_true(prefill > SIMTIME_MS && decodes[0] > SIMTIME_MS);
        assert_int_equal(f->records[a].last_token, work + SIMTIME_MS);
    }
    /* A host slower than the device: step k + 2 starts when the host is done, having begun at the end of step k. The
     * first two are prepared together, so is each pair that follows. */
    const simtime slow = 100 * SIMTIME_MS;
    f->config.host.hideable = slow;
    EACH_STEPPING(f)
    {
        const simtime first = slow + prefill;
        const simtime second = first + decodes[0];
        const simtime third = first + slow + decodes[1];
        const simtime fourth = second + slow + decodes[2];
        assert_int_equal(f->records[a].first_token, first);
        assert_int_equal(f->records[a].last_token, fourth > third + decodes[2] ? fourth : third + decodes[2]);
    }
}

static void max_num_seqs_limits_what_runs(void **state)
{
    struct fixture *f = *state;
    f->config.max_num_seqs = 1;
    const uint32_t a = add(f, 0, 16, 5);
    const uint32_t b = add(f, 0, 16, 1);
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[b].first_scheduled, f->records[a].last_token);
    }
}

static void the_watermark_counts_beside_others_only(void **state)
{
    struct fixture *f = *state;
    f->config.n_blocks = 1 + 8;
    f->config.max_model_len = 128;
    f->config.watermark_blocks = 2;
    const uint32_t a = add(f, 0, 127, 1); /* alone: all eight blocks are its */
    const uint32_t b = add(f, SIMTIME_S, 60, 4);
    const uint32_t c = add(f, SIMTIME_S, 33, 1); /* three blocks of four, two of which are to stay free */
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[a].last_token, PREFILL(f, WHOLE(127)));
        assert_int_equal(f->records[c].first_scheduled, f->records[b].last_token);
    }
    f->config.watermark_blocks = 1;
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[c].first_scheduled, SIMTIME_S);
    }
}

/* The only other turn has its last token in flight: nothing is scheduled beside the waiting one, so it may start. */
static void a_draining_turn_calls_for_no_watermark(void **state)
{
    struct fixture *f = *state;
    f->config.n_blocks = 1 + 8;
    f->config.max_model_len = 128;
    f->config.watermark_blocks = 2;
    f->config.queue_depth = 2;
    const uint32_t a = add(f, 0, 60, 3);
    const uint32_t b = add(f, 0, 33, 1);
    const simtime first = PREFILL(f, WHOLE(60));
    EACH_STEPPING(f)
    {
        /* Steps 1 and 2 of a are composed at once, step 3 (its last) when step 1 ends; b beside none when step 2 ends.
         */
        assert_int_equal(f->records[b].first_scheduled, first + decode(f, 1, 61));
        assert_int_equal(f->records[a].last_token, first + decode(f, 1, 61) + decode(f, 1, 62));
        assert_int_equal(f->records[b].last_token, f->records[a].last_token + PREFILL(f, WHOLE(33)));
    }
}

static void full_prompts_may_be_reserved(void **state)
{
    struct fixture *f = *state;
    f->config.n_blocks = 1 + 8;
    f->config.max_model_len = 128;
    f->config.max_num_batched_tokens = 96;
    const uint32_t a = add(f, 0, 64, 3);
    const uint32_t b = add(f, 0, 80, 1); /* five blocks of the four left; a first chunk of 32 tokens needs two */
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[b].first_scheduled, 0);
    }
    f->config.reserve_full_prompt = true;
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[b].first_scheduled, f->records[a].last_token);
    }
}

static void turns_that_end_together_end_in_order(void **state)
{
    struct fixture *f = *state;
    add(f, 0, 30, 4);
    add(f, 0, 20, 4);
    add(f, 0, 10, 4);
    EACH_STEPPING(f)
    {
        for (uint32_t i = 0; i < 3; i++) {
            assert_int_equal(f->order[i], i);
            assert_int_equal(f->records[i].last_token, f->records[0].last_token);
        }
    }
}

static void the_length_limit_cuts_outputs(void **state)
{
    struct fixture *f = *state;
    f->config.max_model_len = 100;
    const uint32_t a = add(f, 0, 97, 9);
    const uint32_t b = add(f, 0, 97, 3);
    const uint32_t c = add(f, 0, 97, 0);
    const simtime first = PREFILL(f, WHOLE(97), WHOLE(97), {.tokens = 97, .context = 0, .sampled = 0});
    EACH_STEPPING(f)
    {
        assert_int_equal(f->records[a].output_toks, 3);
        assert_true(f->records[a].length_limited);
        assert_false(f->records[b].length_limited);
        assert_int_equal(f->records[a].last_token, f->records[b].last_token);
        assert_int_equal(f->records[c].output_toks, 0);
        assert_false(f->records[c].length_limited);
        assert_int_equal(f->records[c].first_token, first);
        assert_int_equal(f->records[c].last_token, first);
    }
}

/* A waiting turn lacks one block until another's output, which it continues, fills the third block of both. It is short
 * and ends long before the next finish in sight: the bound must allow for it. */
static void the_bound_of_the_next_output_allows_for_blocks_in_common(void **state)
{
    struct fixture *f = *state;
    f->config.n_blocks = 1 + 10;
    f->config.max_model_len = 160;
    f->config.stepping = ENGINE_FAST_FORWARD;
    const uint32_t a = add(f, 0, 40, 60); /* three blocks, two of them full */
    add(f, 0, 65, 60);                    /* five blocks: two are left */
    const uint32_t c = add(f, 0, 80, 1);  /* five blocks, of which two and later three are a's */
    f->turns[a].shared_output = true;
    f->extents[c].stream = f->extents[a].stream;
    struct instance *instance = instance_create(0, &f->config, f->step_time, NULL);
    for (uint32_t i = 0; i < f->n; i++) {
        instance_deliver(instance, &f->turns[i]);
    }
    uint32_t ended = 0;
    simtime latest = 0; /* of the bounds since the last output, which were all to lie before the next */
    while (ended < f->n) {
        const struct event_key next = instance_next(instance);
        const struct event_key bound = instance_earliest_output(instance);
        assert_int_not_equal(next.time, SIMTIME_NEVER);
        assert_false(event_before(bound, next));
        latest = bound.time > latest ? bound.time : latest;
        if (instance_advance(instance, (struct event_key){.time = next.time, .phase = next.phase + 1})) {
            uint32_t n;
            const struct turn_end *ends = instance_take_ends(instance, &n);
            assert_true(latest <= ends[0].record.last_token);
            latest = 0;
            assert_true(ended > 0 || (n == 1 && ends[0].slot == c && ends[0].record.hit_toks == 48));
            ended += n;
        }
    }
    instance_destroy(instance);
}

/* One at a time is computed, so that the order in which they arrive is that in which they end. */
static void turns_arrive_in_order_however_they_are_delivered(void **state)
{
    struct fixture *f = *state;
    f->config.max_num_seqs = 1;
    const uint32_t first = add(f, 2000, 20, 2);
    const uint32_t third = add(f, 3000, 20, 2);
    const uint32_t fourth = add(f, 3000, 20, 2); /* of another program */
    const uint32_t second = add(f, 2500, 20, 2);
    f->turns[first].program = 5;
    f->turns[third].turn = 1;
    const uint32_t in_order[] = {first, second, third, fourth};
    struct instance *instance = instance_create(0, &f->config, f->step_time, NULL);
    for (uint32_t i = f->n; i-- > 0;) {
        instance_deliver(instance, &f->turns[i]);
        instance_check(instance);
    }
    for (uint32_t ended = 0; ended < f->n; ended++) {
        uint32_t n;
        assert_true(instance_advance(instance, EVENT_NEVER));
        const struct turn_end *end = instance_take_ends(instance, &n);
        assert_int_equal(n, 1);
        assert_int_equal(end->slot, in_order[ended]);
    }
    instance_destroy(instance);
}

#define CASE(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(two_turns_share_steps),
        CASE(long_prompts_go_in_chunks_beside_decodes),
        CASE(a_threshold_leaves_budget_for_others),
        CASE(uncut_prompts_wait_for_the_whole_budget),
        CASE(nobody_passes_a_head_that_lacks_blocks),
        CASE(preemption),
        CASE(gaps_are_heard_of_from_a_time_on),
        CASE(a_cached_prompt_computes_its_last_block_again),
        CASE(generated_blocks_are_cached),
        CASE(arrivals_wait_for_batches_in_the_queue),
        CASE(host_time),
        CASE(max_num_seqs_limits_what_runs),
        CASE(the_watermark_counts_beside_others_only),
        CASE(a_draining_turn_calls_for_no_watermark),
        CASE(full_prompts_may_be_reserved),
        CASE(turns_that_end_together_end_in_order),
        CASE(the_length_limit_cuts_outputs),
        CASE(the_bound_of_the_next_output_allows_for_blocks_in_common),
        CASE(turns_arrive_in_order_however_they_are_delivered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
