#include "kv/weka_replay.h"

#include "support/support.h"

#include "base/mem.h"
#include "kv/lockstep.h"

#include <jansson.h>
#include <stdio.h>

enum { TRACE_BLOCK = 64, CHUNK = 8192, DECODE_STRIDE = 48, WEKA_BLOCK = 16 };

struct weka_session {
    struct lockstep_turn turn; /* first: compared with a stride */
    json_t *root;              /* NULL: none in progress */
    json_t *requests;
    uint64_t program;
    uint32_t next; /* request */
    uint64_t stream;
    uint32_t position;
    uint32_t previous_prompt;
    uint32_t previous_output;
    uint32_t prompt;
    uint32_t computed;
    uint32_t total;
    bool waiting;
    bool running;
};

struct weka_world {
    struct lockstep both;
    struct weka_options options;
    struct weka_session *sessions;
    FILE *file;
    uint64_t n_lines;
    struct weka_totals totals;
};

static uint32_t field(const json_t *request, const char *name)
{
    const json_t *value = json_object_get(request, name);
    assert_true(json_is_integer(value));
    return (uint32_t)json_integer_value(value);
}

/* The next program of the file that the stride keeps. */
static void open_session(struct weka_world *world, struct weka_session *session)
{
    static char line[1 << 20];
    while (fgets(line, sizeof line, world->file)) {
        if (world->n_lines++ % world->options.program_stride) {
            continue;
        }
        session->root = json_loads(line, 0, NULL);
        assert_non_null(session->root);
        session->requests = json_object_get(session->root, "sub_requests");
        session->program = world->n_lines;
        session->next = 0;
        extent_list_cut(&session->turn.content, 0);
        world->totals.programs++;
        return;
    }
}

static void close_session(struct weka_session *session)
{
    json_decref(session->root);
    session->root = NULL;
}

/* Leading tokens of the context before that this prompt keeps. */
static uint32_t kept_tokens(const struct weka_session *session, uint32_t prompt, uint32_t prefix)
{
    if (session->next == 0) {
        return 0;
    }
    const uint32_t context = session->turn.content.n_tokens;
    if (prefix + TRACE_BLOCK > session->previous_prompt &&
        prompt >= session->previous_prompt + session->previous_output) {
        return context;
    }
    const uint32_t most = context < prompt ? context : prompt;
    return prefix < most ? prefix : most;
}

static void next_request(struct weka_world *world, struct weka_session *session)
{
    const json_t *request = json_array_get(session->requests, session->next);
    const uint32_t prompt = field(request, "input_toks");
    const uint32_t output = field(request, "output_toks");
    const uint32_t kept = kept_tokens(session, prompt, field(request, "prefix_toks"));
    struct extent_list *content = &session->turn.content;
    if (kept < content->n_tokens || session->next == 0) {
        extent_list_cut(content, kept);
        session->stream = stream_private(session->program, session->next);
        session->position = 0;
    }
    const uint32_t fresh = prompt - kept + output;
    extent_list_append(content, (struct extent){session->stream, session->position, fresh});
    session->position += fresh;
    lockstep_name(&world->both, &session->turn, kept);
    session->previous_prompt = prompt;
    session->previous_output = output;
    session->prompt = prompt;
    session->total = output ? prompt + output - 1 : prompt; /* the last token is sampled, not computed */
    session->computed = 0;
    session->waiting = true;
    session->next++;
}

static uint32_t whole(uint32_t tokens)
{
    return (tokens + WEKA_BLOCK - 1) / WEKA_BLOCK;
}

/* Releases the turn; an unfinished one waits again. */
static void end_turn(struct weka_world *world, struct weka_session *session, bool finished)
{
    lockstep_release(&world->both, &session->turn);
    session->running = false;
    session->waiting = !finished;
    if (finished) {
        world->totals.turns++;
        if (session->next == json_array_size(session->requests)) {
            close_session(session);
        }
    }
}

static void run_on(struct weka_world *world, struct weka_session *session)
{
    const bool decode = session->computed >= session->prompt;
    const uint32_t left = (decode ? session->total : session->prompt) - session->computed;
    const uint32_t stride = decode ? 1 + lockstep_draw(&world->both, DECODE_STRIDE) : CHUNK;
    const uint32_t tokens = left < stride ? left : stride;
    const uint32_t wanted = whole(session->computed + tokens) - session->turn.plain.n;
    if (wanted > kv_free(world->both.pool)) {
        end_turn(world, session, false);
        return;
    }
    session->computed += tokens;
    lockstep_grow(&world->both, &session->turn, wanted, session->computed / WEKA_BLOCK, decode);
    if (session->computed == session->total) {
        end_turn(world, session, true);
    }
}

static void admit_session(struct weka_world *world, struct weka_session *session)
{
    if (whole(session->total) > kv_usable(world->both.pool)) {
        world->totals.dropped += json_array_size(session->requests) - session->next + 1;
        session->waiting = false;
        close_session(session);
        return;
    }
    const struct kv_hit hit = lockstep_lookup(&world->both, &session->turn, session->prompt);
    if (whole(session->prompt) - hit.blocks + hit.free_blocks > kv_free(world->both.pool)) {
        return;
    }
    lockstep_touch(&world->both, &session->turn, hit);
    session->computed = hit.blocks * WEKA_BLOCK;
    session->waiting = false;
    session->running = true;
    run_on(world, session);
}

/* One step of a session drawn at random; false when no program is left. */
static bool step_any(struct weka_world *world)
{
    uint32_t at = lockstep_draw(&world->both, world->options.concurrent);
    for (uint32_t tried = 0; tried < world->options.concurrent; tried++, at = (at + 1) % world->options.concurrent) {
        struct weka_session *session = &world->sessions[at];
        if (!session->root) {
            open_session(world, session);
        }
        if (!session->root) {
            continue;
        }
        if (session->running) {
            run_on(world, session);
        } else {
            if (!session->waiting) {
                next_request(world, session);
            }
            admit_session(world, session);
        }
        return true;
    }
    return false;
}

struct weka_totals weka_replay(const char *path, struct weka_options options)
{
    struct weka_world world = {.options = options, .file = fopen(path, "r")};
    assert_non_null(world.file);
    world.sessions = mem_zalloc(options.concurrent * sizeof *world.sessions);
    lockstep_init(&world.both, options.n_blocks, WEKA_BLOCK, true, options.seed);
    world.both.lazy = options.lazy;
    while (step_any(&world)) {
        if (++world.both.step % options.compare_every == 0) {
            lockstep_compare(&world.both, &world.sessions[0].turn, options.concurrent, sizeof *world.sessions);
        }
    }
    lockstep_compare(&world.both, &world.sessions[0].turn, options.concurrent, sizeof *world.sessions);
    world.totals.steps = world.both.step;
    world.totals.hit_blocks = world.both.n_hits;
    world.totals.evicted = kv_evicted(world.both.pool);
    for (uint32_t i = 0; i < options.concurrent; i++) {
        lockstep_turn_fini(&world.sessions[i].turn);
    }
    lockstep_fini(&world.both);
    mem_free(world.sessions);
    fclose(world.file);
    return world.totals;
}
