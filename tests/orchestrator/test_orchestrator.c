#include "support/support.h"

#include "base/heap.h"
#include "orchestrator/orchestrator.h"

#include <stdio.h>
#include <string.h>

#define TURN(PROMPT, OUTPUT, PREFIX, GAP_NS)                                                                           \
    "{\"input_toks\":" #PROMPT ",\"output_toks\":" #OUTPUT ",\"prefix_toks\":" #PREFIX ",\"gap_ns\":" #GAP_NS "}"
#define PROGRAM(NAME, ARRIVAL_NS, TURNS)                                                                               \
    "{\"session_id\":\"" NAME "\",\"arrival_time_ns\":" #ARRIVAL_NS ",\"sub_requests\":[" TURNS "]}\n"

/* A plain engine around the orchestrator: one line of programs, free clients, and the ready turns in order. */
struct fixture {
    struct diag diag;
    struct workload *workload;
    struct tool_simulator *tool;
    struct orchestrator *orchestrator;
    struct heap ready;   /* (time, key); payload: slot */
    struct heap clients; /* (time, client) */
    struct next_program next;
    bool closed, has_next;
    uint64_t started, dropped, truncated, completed;
    simtime service;       /* of the last turn that became ready */
    struct turn_call turn; /* the last that was ready */
    uint32_t turns[256];   /* by slot: the present one */
};

static struct fixture *open_text(const char *text, struct orchestrator_options options)
{
    static struct fixture fixture;
    fixture = (struct fixture){0};
    diag_init(&fixture.diag);
    const struct workload_options reading = {.reuse_generated = true, .seed = 1, .block_size = 16};
    fixture.workload = workload_open_memory("programs.jsonl", text, strlen(text), &reading, &fixture.diag);
    assert_non_null(fixture.workload);
    struct gap_rule rule;
    char message[128];
    assert_true(gap_parse_tool("trace", &rule, message, sizeof message));
    fixture.tool = tool_create(&rule, fixture.workload, 1, &fixture.diag);
    gap_rule_fini(&rule);
    options.workload = fixture.workload;
    options.source = "programs.jsonl";
    options.tool = fixture.tool;
    options.max_model_len = options.max_model_len ? options.max_model_len : 100000;
    fixture.orchestrator = orchestrator_create(&options, &fixture.diag);
    heap_init(&fixture.ready);
    heap_init(&fixture.clients);
    fixture.closed = orchestrator_is_closed(&options);
    for (uint32_t client = 0; client < options.arrivals.clients; client++) {
        heap_push(&fixture.clients, (struct heap_entry){.key = 0, .tie = client});
    }
    fixture.has_next = fixture.orchestrator && orchestrator_next_program(fixture.orchestrator, &fixture.next);
    return &fixture;
}

static void close_it(struct fixture *f)
{
    heap_fini(&f->ready);
    heap_fini(&f->clients);
    orchestrator_destroy(f->orchestrator);
    tool_destroy(f->tool);
    workload_destroy(f->workload);
    diag_fini(&f->diag);
}

static void push_ready(struct fixture *f, const struct ready_turn *turn)
{
    f->service = turn->service;
    heap_push(&f->ready, (struct heap_entry){.key = turn->time, .tie = turn->key, .payload = turn->slot});
}

/* When the next program in line starts; SIMTIME_NEVER: there is none, or no client. */
static simtime next_start(const struct fixture *f)
{
    if (!f->has_next || (f->closed && !f->clients.n)) {
        return SIMTIME_NEVER;
    }
    return f->closed ? orchestrator_client_ready(f->orchestrator, heap_top(&f->clients)->key) : f->next.arrival;
}

/* Starts the next program in line, or drops it. */
static void start_program(struct fixture *f)
{
    const simtime time = next_start(f);
    const uint32_t slot = orchestrator_take_slot(f->orchestrator);
    const enum prepared prepared = orchestrator_prepare(f->orchestrator, slot, f->next.id);
    f->has_next = orchestrator_next_program(f->orchestrator, &f->next);
    if (prepared == PREPARED_DROPPED) {
        f->dropped++;
        orchestrator_give_slot(f->orchestrator, slot);
        return;
    }
    assert_true(prepared == PREPARED_READY || prepared == PREPARED_TRUNCATED);
    f->started++;
    f->truncated += prepared == PREPARED_TRUNCATED;
    const uint32_t client = f->closed ? (uint32_t)heap_pop(&f->clients).tie : 0;
    const struct ready_turn turn = orchestrator_start(f->orchestrator, slot, time, client);
    assert_int_equal(turn.time, time);
    assert_int_equal(turn.home, NO_HOME);
    push_ready(f, &turn);
}

static uint64_t in_progress(const struct fixture *f)
{
    return f->started - f->completed;
}

/* The next turn that is ready must be this one at this time (ns); returns its slot. */
static uint32_t expect_ready(struct fixture *f, const char *program, uint32_t turn, int64_t time_ns)
{
    while (next_start(f) != SIMTIME_NEVER && (!f->ready.n || next_start(f) <= heap_top(&f->ready)->key)) {
        start_program(f);
    }
    assert_true(f->ready.n > 0);
    const struct heap_entry top = heap_pop(&f->ready);
    const uint32_t slot = (uint32_t)top.payload;
    f->turn = orchestrator_call(f->orchestrator, slot, ready_turn_number(top.tie));
    f->turns[slot] = turn;
    assert_int_equal(top.tie, f->turn.program << 24 | turn);
    const struct program *fetched = workload_fetch(f->workload, f->turn.program, slot);
    assert_string_equal(fetched->name, program);
    assert_int_equal(f->turn.turn, turn);
    assert_int_equal(f->turn.ready, time_ns * SIMTIME_NS);
    assert_int_equal(top.key, f->turn.ready);
    assert_int_equal(f->turn.content.n_tokens, f->turn.prompt_toks + f->turn.output_toks);
    return slot;
}

static void expect_waiting(struct fixture *f)
{
    assert_int_equal(f->ready.n, 0);
    assert_int_equal(next_start(f), SIMTIME_NEVER);
}

/* Of every turn. */
#define EXECUTION (40 * SIMTIME_NS)

/* The turn in `slot` ends; true when its program is done. */
static bool end(struct fixture *f, uint32_t slot, int64_t time_ns, struct program_record *record)
{
    enum { INSTANCE = 5 };
    struct ready_turn next;
    const simtime time = time_ns * SIMTIME_NS;
    const uint32_t client = orchestrator_client(f->orchestrator, slot);
    const struct turn_record ended = {
        .turn = f->turns[slot], .instance = INSTANCE, .first_scheduled = time - EXECUTION, .last_token = time};
    switch (orchestrator_turn_ended(f->orchestrator, slot, &ended, &next, record)) {
    case TURN_IS_FOLLOWED:
        assert_int_equal(next.slot, slot);
        assert_int_equal(next.home, INSTANCE);
        push_ready(f, &next);
        return false;
    case TURN_WAS_LAST:
        f->completed++;
        if (f->closed) {
            heap_push(&f->clients, (struct heap_entry){.key = time, .tie = client});
        }
        orchestrator_give_slot(f->orchestrator, slot);
        return true;
    default:
        fail();
        return true;
    }
}

static void turns_follow_their_gaps(void **state)
{
    (void)state;
    struct fixture *f = open_text(PROGRAM("a", 500, TURN(10, 5, 0, 100) "," TURN(20, 5, 15, 0) "," TURN(30, 5, 25, 9)),
                                  (struct orchestrator_options){0});
    struct program_record record;
    uint32_t slot = expect_ready(f, "a", 0, 0); /* the earliest arrival is time zero */
    assert_int_equal(f->turn.prompt_toks, 10);
    expect_waiting(f);
    assert_int_equal(in_progress(f), 1);
    assert_false(end(f, slot, 1000, &record));
    slot = expect_ready(f, "a", 1, 1100);
    assert_int_equal(f->turn.prompt_toks, 20);
    assert_int_equal(orchestrator_facts(f->orchestrator, slot, 1).attained, EXECUTION);
    assert_false(end(f, slot, 2000, &record));
    slot = expect_ready(f, "a", 2, 2000); /* a gap of nothing */
    assert_int_equal(orchestrator_facts(f->orchestrator, slot, 2).attained, 2 * EXECUTION);
    assert_int_equal(orchestrator_facts(f->orchestrator, slot, 2).critical, 2 * EXECUTION);
    assert_true(end(f, slot, 2500, &record));
    assert_int_equal(record.program, 0);
    assert_int_equal(record.arrival, 0);
    assert_int_equal(record.end, 2500 * SIMTIME_NS);
    assert_int_equal(record.tool_time, 100 * SIMTIME_NS); /* that after the last turn is nobody's */
    assert_int_equal(record.n_turns, 3);
    expect_waiting(f);
    assert_int_equal(f->completed, 1);
    assert_int_equal(in_progress(f), 0);
    close_it(f);
}

/* At one instant, turns are routed by program and turn, whatever the order in which they became known. */
static void equal_times_go_by_program(void **state)
{
    (void)state;
    struct fixture *f = open_text(PROGRAM("c", 7, TURN(10, 1, 0, 300) "," TURN(20, 1, 11, 0))
                                      PROGRAM("a", 5, TURN(10, 1, 0, 50) "," TURN(20, 1, 11, 0))
                                          PROGRAM("b", 5, TURN(10, 1, 0, 20) "," TURN(20, 1, 11, 0)),
                                  (struct orchestrator_options){0});
    struct program_record record;
    const uint32_t a = expect_ready(f, "a", 0, 0);
    const uint32_t b = expect_ready(f, "b", 0, 0);
    const uint32_t c = expect_ready(f, "c", 0, 2);
    assert_false(end(f, b, 400, &record)); /* all three at 420 */
    assert_false(end(f, a, 370, &record));
    assert_false(end(f, c, 120, &record));
    expect_ready(f, "c", 1, 420); /* first of the file */
    expect_ready(f, "a", 1, 420);
    expect_ready(f, "b", 1, 420);
    close_it(f);
}

static void slots_are_reused(void **state)
{
    (void)state;
    struct fixture *f = open_text(PROGRAM("a", 0, TURN(10, 1, 0, 0)) PROGRAM("b", 0, TURN(10, 1, 0, 0))
                                      PROGRAM("c", 9, TURN(10, 1, 0, 0)),
                                  (struct orchestrator_options){0});
    struct program_record record;
    const uint32_t a = expect_ready(f, "a", 0, 0);
    const uint32_t b = expect_ready(f, "b", 0, 0);
    assert_int_not_equal(a, b);
    assert_true(end(f, a, 5, &record));
    assert_int_equal(expect_ready(f, "c", 0, 9), a);
    close_it(f); /* with programs in progress */
}

static void all_at_once(void **state)
{
    (void)state;
    struct fixture *f = open_text(PROGRAM("a", 900, TURN(10, 1, 0, 0)) PROGRAM("b", 5, TURN(10, 1, 0, 0)),
                                  (struct orchestrator_options){.arrivals = {.process = ARRIVALS_ZERO}});
    expect_ready(f, "a", 0, 0);
    expect_ready(f, "b", 0, 0);
    expect_waiting(f);
    close_it(f);
}

static void clients_take_programs_in_turn(void **state)
{
    (void)state;
    struct fixture *f = open_text(
        PROGRAM("a", 0, TURN(10, 1, 0, 0)) PROGRAM("b", 0, TURN(10, 1, 0, 30) "," TURN(20, 1, 11, 0))
            PROGRAM("c", 0, TURN(10, 1, 0, 0)) PROGRAM("d", 0, TURN(10, 1, 0, 0)) PROGRAM("e", 0, TURN(10, 1, 0, 0)),
        (struct orchestrator_options){
            .arrivals = {.process = ARRIVALS_CLOSED, .clients = 2, .client_setup = 10 * SIMTIME_NS}});
    struct program_record record;
    const uint32_t a = expect_ready(f, "a", 0, 10);
    uint32_t b = expect_ready(f, "b", 0, 10);
    expect_waiting(f);
    assert_int_equal(in_progress(f), 2);
    assert_false(end(f, b, 50, &record));
    b = expect_ready(f, "b", 1, 80);      /* a client stays with its program through the gap */
    assert_true(end(f, b, 100, &record)); /* client 1 first, then client 0 at the same time */
    assert_true(end(f, a, 100, &record));
    assert_int_equal(record.arrival, 10 * SIMTIME_NS);
    const uint32_t c = expect_ready(f, "c", 0, 110);
    const uint32_t d = expect_ready(f, "d", 0, 110);
    assert_true(end(f, d, 200, &record));
    expect_ready(f, "e", 0, 210);
    assert_true(end(f, c, 200, &record));
    expect_waiting(f); /* nobody is left for the client that is free */
    assert_int_equal(f->started, 5);
    close_it(f);
}

static void more_clients_than_programs(void **state)
{
    (void)state;
    struct fixture *f =
        open_text(PROGRAM("a", 0, TURN(10, 1, 0, 0)),
                  (struct orchestrator_options){.arrivals = {.process = ARRIVALS_CLOSED, .clients = 9}});
    struct program_record record;
    assert_true(end(f, expect_ready(f, "a", 0, 0), 5, &record));
    expect_waiting(f);
    close_it(f);
}

#define LONG_SECOND                                                                                                    \
    PROGRAM("short", 0, TURN(10, 1, 0, 0))                                                                             \
    PROGRAM("long", 0, TURN(40, 9, 0, 5) "," TURN(100, 7, 49, 5) "," TURN(99, 1, 99, 5))                               \
    PROGRAM("longer", 0, TURN(500, 1, 0, 0))

static void long_prompts_are_errors(void **state)
{
    (void)state;
    struct fixture *f = open_text(LONG_SECOND, (struct orchestrator_options){.max_model_len = 100});
    assert_null(f->orchestrator);
    assert_int_equal(f->diag.status, ASIM_INPUT);
    assert_non_null(strstr(f->diag.entries[0].text, "programs.jsonl:2"));
    assert_non_null(strstr(f->diag.entries[0].text, "'long', turn 2 of "));
    assert_non_null(strstr(f->diag.entries[0].text, "100"));
    assert_non_null(strstr(f->diag.entries[f->diag.n_entries - 1].text, "2 programs"));
    close_it(f);
}

static void long_programs_are_dropped(void **state)
{
    (void)state;
    struct fixture *f = open_text(
        LONG_SECOND, (struct orchestrator_options){.max_model_len = 100, .on_long_prompt = LONG_PROMPT_DROPS_PROGRAM});
    expect_ready(f, "short", 0, 0);
    while (next_start(f) != SIMTIME_NEVER) {
        start_program(f);
    }
    expect_waiting(f);
    assert_int_equal(f->dropped, 2);
    assert_int_equal(f->started, 1);
    close_it(f);
    /* A client goes on to the next program at once. */
    f = open_text(PROGRAM("long", 0, TURN(500, 1, 0, 0)) PROGRAM("short", 0, TURN(10, 1, 0, 0)),
                  (struct orchestrator_options){.max_model_len = 100,
                                                .on_long_prompt = LONG_PROMPT_DROPS_PROGRAM,
                                                .arrivals = {.process = ARRIVALS_CLOSED, .clients = 1}});
    expect_ready(f, "short", 0, 0);
    close_it(f);
}

/* The token at `position` of a content. */
static struct extent token(struct content content, uint32_t position)
{
    uint32_t i = 0;
    while (position >= content.extents[i].count) {
        position -= content.extents[i++].count;
    }
    return (struct extent){content.extents[i].stream, content.extents[i].first + position, 1};
}

static void long_prompts_are_truncated(void **state)
{
    (void)state;
    struct fixture *f = open_text(
        PROGRAM("long", 0, TURN(40, 9, 0, 5) "," TURN(100, 7, 49, 5) "," TURN(120, 1, 107, 5) "," TURN(200, 0, 100, 5)),
        (struct orchestrator_options){.max_model_len = 60, .on_long_prompt = LONG_PROMPT_IS_TRUNCATED});
    struct program_record record;
    uint32_t slot = expect_ready(f, "long", 0, 0);
    assert_int_equal(f->turn.prompt_toks, 40);
    const struct extent first = token(f->turn.content, 0);
    const struct extent generated = token(f->turn.content, 45);
    assert_false(end(f, slot, 10, &record));
    slot = expect_ready(f, "long", 1, 15);
    assert_int_equal(f->turn.prompt_toks, 59); /* and one token of output */
    assert_int_equal(f->turn.output_toks, 7);
    /* What is kept is the beginning, so that the prefix still hits. */
    assert_int_equal(token(f->turn.content, 0).stream, first.stream);
    assert_int_equal(token(f->turn.content, 45).stream, generated.stream);
    assert_int_equal(token(f->turn.content, 45).first, generated.first);
    /* The output is that of the whole prompt: its tokens stand where they stood, 41 tokens on. */
    const struct extent out = token(f->turn.content, 59);
    const struct extent last_kept = token(f->turn.content, 58);
    assert_int_equal(out.first, last_kept.first + 42);
    assert_false(end(f, slot, 20, &record));
    slot = expect_ready(f, "long", 2, 25);
    assert_int_equal(f->turn.prompt_toks, 59);
    assert_int_equal(f->turn.output_toks, 1);
    assert_false(end(f, slot, 30, &record));
    slot = expect_ready(f, "long", 3, 35);
    assert_int_equal(f->turn.prompt_toks, 60); /* prefill only: no token needs room */
    assert_true(end(f, slot, 40, &record));
    assert_int_equal(f->truncated, 1);
    close_it(f);
}

/* The lead is what follows a turn's end, the service the least time up to there. */
static void leads_and_services(void **state)
{
    (void)state;
    static const char text[] = PROGRAM("a", 0, TURN(10, 5, 0, 100) "," TURN(20, 0, 15, 0) "," TURN(90, 50, 20, 9));
    struct orchestrator_options options = {
        .max_model_len = 100, .dispatch_latency = 7 * SIMTIME_NS, .least_step = 2 * SIMTIME_NS};
    struct program_record record;
    struct fixture *f = open_text(text, options);
    uint32_t slot = expect_ready(f, "a", 0, 0);
    assert_int_equal(f->turn.lead, 100 * SIMTIME_NS);
    assert_int_equal(f->service, (7 + 5 * 2 + 100) * SIMTIME_NS);
    assert_false(end(f, slot, 1000, &record));
    slot = expect_ready(f, "a", 1, 1100);
    assert_int_equal(f->turn.lead, 0);
    assert_int_equal(f->service, (7 + 2) * SIMTIME_NS); /* a prompt alone takes a step */
    assert_false(end(f, slot, 2000, &record));
    slot = expect_ready(f, "a", 2, 2000);
    assert_int_equal(f->turn.lead, SIMTIME_NEVER); /* nothing follows */
    assert_int_equal(f->service, SIMTIME_NEVER);
    close_it(f);
    options.arrivals =
        (struct arrivals_options){.process = ARRIVALS_CLOSED, .clients = 1, .client_setup = 30 * SIMTIME_NS};
    f = open_text(text, options);
    assert_false(end(f, expect_ready(f, "a", 0, 30), 1000, &record));
    assert_false(end(f, expect_ready(f, "a", 1, 1100), 2000, &record));
    expect_ready(f, "a", 2, 2000);
    assert_int_equal(f->turn.lead, 30 * SIMTIME_NS);              /* the client's next program */
    assert_int_equal(f->service, (7 + 10 * 2 + 30) * SIMTIME_NS); /* ten tokens of output have room */
    close_it(f);
}

/* Beyond simulated time nothing is ready. */
static void a_turn_too_late(void **state)
{
    (void)state;
    struct fixture *f =
        open_text(PROGRAM("a", 0, TURN(10, 1, 0, 1) "," TURN(20, 1, 11, 0)), (struct orchestrator_options){0});
    const uint32_t slot = expect_ready(f, "a", 0, 0);
    struct ready_turn next;
    struct program_record record;
    const struct turn_record ended = {.last_token = SIMTIME_LIMIT - 1};
    assert_int_equal(orchestrator_turn_ended(f->orchestrator, slot, &ended, &next, &record), TURN_TOO_LATE);
    assert_int_equal(next.key, 1);
    orchestrator_report_late_turn(f->orchestrator, slot, ready_turn_number(next.key), &f->diag);
    assert_non_null(strstr(f->diag.entries[0].text, "programs.jsonl:1"));
    assert_non_null(strstr(f->diag.entries[0].text, "'a', turn 2 of 2"));
    close_it(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns_follow_their_gaps),
        cmocka_unit_test(equal_times_go_by_program),
        cmocka_unit_test(slots_are_reused),
        cmocka_unit_test(all_at_once),
        cmocka_unit_test(clients_take_programs_in_turn),
        cmocka_unit_test(more_clients_than_programs),
        cmocka_unit_test(long_prompts_are_errors),
        cmocka_unit_test(long_programs_are_dropped),
        cmocka_unit_test(long_prompts_are_truncated),
        cmocka_unit_test(leads_and_services),
        cmocka_unit_test(a_turn_too_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
