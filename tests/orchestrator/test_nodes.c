/* Programs that are graphs: what is released when, whatever the order in which parents are heard of. */
#include "support/support.h"

#include "orchestrator/orchestrator.h"
#include "workload/prompt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
    struct diag diag;
    struct workload *workload;
    struct tool_simulator *tool;
    struct orchestrator *orchestrator;
    uint32_t slot;
};

static void open_text(struct fixture *f, const char *text, struct orchestrator_options options)
{
    *f = (struct fixture){0};
    diag_init(&f->diag);
    const struct workload_options reading = {.reuse_generated = true, .seed = 1, .block_size = 16};
    f->workload = workload_open_memory("graphs.jsonl", text, strlen(text), &reading, &f->diag);
    if (!f->workload) {
        fail_msg("%s", f->diag.entries[0].text);
    }
    struct gap_rule rule;
    char message[128];
    assert_true(gap_parse_tool("trace", &rule, message, sizeof message));
    f->tool = tool_create(&rule, f->workload, 1, &f->diag);
    gap_rule_fini(&rule);
    options.workload = f->workload;
    options.source = "graphs.jsonl";
    options.tool = f->tool;
    options.max_model_len = options.max_model_len ? options.max_model_len : 100000;
    f->orchestrator = orchestrator_create(&options, &f->diag);
    assert_non_null(f->orchestrator);
}

static void close_it(struct fixture *f)
{
    orchestrator_destroy(f->orchestrator);
    tool_destroy(f->tool);
    workload_destroy(f->workload);
    diag_fini(&f->diag);
}

/* Starts a program at 100 ns. */
static struct ready_turn start(struct fixture *f, uint64_t program)
{
    f->slot = orchestrator_take_slot(f->orchestrator);
    const enum prepared prepared = orchestrator_prepare(f->orchestrator, f->slot, program);
    assert_true(prepared == PREPARED_READY || prepared == PREPARED_TRUNCATED);
    return orchestrator_start(f->orchestrator, f->slot, 100 * SIMTIME_NS, 0);
}

static void expect_turn(const struct ready_turn *ready, uint32_t turn, int64_t time_ns, uint32_t home)
{
    assert_int_equal(ready_turn_number(ready->key), turn);
    assert_int_equal(ready->time, time_ns * SIMTIME_NS);
    assert_int_equal(ready->home, home);
}

static struct turn_call call(struct fixture *f, uint32_t turn)
{
    const struct turn_call call = orchestrator_call(f->orchestrator, f->slot, turn);
    assert_int_equal(call.turn, turn);
    assert_int_equal(call.content.n_tokens, call.prompt_toks + call.output_toks);
    return call;
}

static struct turn_facts facts(const struct fixture *f, uint32_t turn)
{
    return orchestrator_facts(f->orchestrator, f->slot, turn);
}

/* A turn ends at `time_ns` after `took_ns` of execution, on the instance 10 + turn; returns how many it released. */
static uint32_t end(struct fixture *f, uint32_t turn, int64_t took_ns, int64_t time_ns, struct ready_turn *next,
                    enum turn_outcome expected, struct program_record *record)
{
    const struct turn_record ended = {.turn = turn,
                                      .instance = 10 + turn,
                                      .first_scheduled = (time_ns - took_ns) * SIMTIME_NS,
                                      .last_token = time_ns * SIMTIME_NS};
    orchestrator_sums(f->orchestrator, f->slot, turn)->turns++;
    orchestrator_sums(f->orchestrator, f->slot, turn)->queue += turn;
    assert_int_equal(orchestrator_turn_ended(f->orchestrator, f->slot, &ended, next, record), expected);
    uint32_t n = 0;
    uint32_t edge = 0;
    while (expected == TURN_RELEASES && orchestrator_next_released(f->orchestrator, f->slot, &ended, &edge, &next[n])) {
        n++;
    }
    return n;
}

#define NODE(ID, PROMPT, OUTPUT) "{\"node_id\":\"" #ID "\",\"input_toks\":" #PROMPT ",\"output_toks\":" #OUTPUT "}"
#define EDGE(SRC, DST, DELAY)    "{\"src\":\"" #SRC "\",\"dst\":\"" #DST "\",\"delay_ns\":" #DELAY "}"
#define DAG(NODES, EDGES)        "{\"workflow_id\":\"w\",\"arrival_time_ns\":0,\"nodes\":[" NODES "],\"edges\":[" EDGES "]}\n"

/* a to b and c, these to d, and c to e. Turns: a 0, b 1, c 2, d 3, e 4. */
static const char diamond[] =
    DAG(NODE(a, 100, 10) "," NODE(b, 150, 20) "," NODE(c, 160, 5) "," NODE(d, 300, 7) "," NODE(e, 170, 3),
        EDGE(a, b, 1000) "," EDGE(a, c, 30) "," EDGE(b, d, 4) "," EDGE(c, d, 600) "," EDGE(c, e, 0));

/* What the application says reaches policies with the turn, and the program's record. */
static void hints_are_facts(void **state)
{
    (void)state;
    struct fixture f;
    struct ready_turn next[4];
    struct program_record record;
    open_text(&f,
              "{\"session_id\":\"a\",\"arrival_time_ns\":0,\"tenant\":\"t\",\"deadline_ns\":5000,\"sub_requests\":["
              "{\"input_toks\":100,\"output_toks\":2,\"gap_ns\":10,\"pin_ns\":0,\"resume_ns\":7},"
              "{\"input_toks\":200,\"output_toks\":2}]}\n",
              (struct orchestrator_options){0});
    next[0] = start(&f, 0);
    call(&f, 0);
    struct turn_facts facts = orchestrator_facts(f.orchestrator, f.slot, 0);
    assert_int_equal(facts.tenant, 1);
    assert_int_equal(facts.deadline, 5100 * SIMTIME_NS);
    assert_int_equal(facts.hint_pin, 0);
    assert_int_equal(facts.hint_resume, 7 * SIMTIME_NS);
    assert_int_equal(orchestrator_kept_toks(f.orchestrator, f.slot, 0), 0);
    assert_int_equal(orchestrator_home(f.orchestrator, f.slot, 0), NO_HOME);
    end(&f, 0, 400, 2000, next, TURN_IS_FOLLOWED, &record);
    call(&f, 1);
    facts = orchestrator_facts(f.orchestrator, f.slot, 1);
    assert_int_equal(facts.hint_pin, -1);
    assert_int_equal(facts.hint_resume, -1);
    assert_int_equal(orchestrator_kept_toks(f.orchestrator, f.slot, 1), 102); /* the prompt before, and its output */
    assert_int_equal(orchestrator_home(f.orchestrator, f.slot, 1), 10);
    end(&f, 1, 400, 3000, next, TURN_WAS_LAST, &record);
    assert_int_equal(record.tenant, 1);
    assert_int_equal(record.deadline, 5100 * SIMTIME_NS);
    close_it(&f);
}

static void turns_wait_for_all_parents(void **state)
{
    (void)state;
    for (int order = 0; order < 2; order++) {
        struct fixture f;
        struct ready_turn next[4];
        struct program_record record;
        open_text(&f, diamond, (struct orchestrator_options){0});
        assert_int_equal(workload_stats(f.workload)->n_dags, 1);
        next[0] = start(&f, 0);
        expect_turn(&next[0], 0, 100, NO_HOME);
        assert_int_equal(orchestrator_roots(f.orchestrator, f.slot), 1);
        call(&f, 0);
        assert_int_equal(facts(&f, 0).attained, 0);
        assert_int_equal(end(&f, 0, 400, 1000, next, TURN_RELEASES, &record), 2);
        expect_turn(&next[0], 1, 2000, 10);
        expect_turn(&next[1], 2, 1030, 10);
        assert_int_equal(orchestrator_turns_beside(f.orchestrator), 1);
        const struct turn_call b = call(&f, 1);
        assert_int_equal(facts(&f, 1).attained, 400 * SIMTIME_NS);
        assert_int_equal(facts(&f, 1).critical, 400 * SIMTIME_NS);
        assert_int_equal(b.lead, 4 * SIMTIME_NS);
        assert_int_equal(call(&f, 2).lead, 0); /* the least of two */
        /* c ends in the simulation before b, whoever hears of it first. */
        if (order == 0) {
            assert_int_equal(end(&f, 2, 70, 2500, next, TURN_RELEASES, &record), 1);
            expect_turn(&next[0], 4, 2500, 12);
            assert_int_equal(end(&f, 1, 50, 3000, next, TURN_RELEASES, &record), 1);
            expect_turn(&next[0], 3, 3100, 11);
        } else {
            assert_int_equal(end(&f, 1, 50, 3000, next, TURN_RELEASES, &record), 0);
            assert_int_equal(end(&f, 2, 70, 2500, next, TURN_RELEASES, &record), 2);
            expect_turn(&next[0], 3, 3100, 11); /* home: where the first parent ran, whose context it may keep */
            expect_turn(&next[1], 4, 2500, 12);
        }
        const struct turn_call d = call(&f, 3);
        assert_int_equal(facts(&f, 3).attained, (400 + 50 + 70) * SIMTIME_NS); /* a once */
        assert_int_equal(facts(&f, 3).critical, (400 + 70) * SIMTIME_NS);
        assert_int_equal(d.lead, SIMTIME_NEVER);
        call(&f, 4);
        assert_int_equal(facts(&f, 4).attained, (400 + 70) * SIMTIME_NS);
        assert_int_equal(orchestrator_client(f.orchestrator, f.slot), 0);
        /* The program ends with the later of its sinks. */
        end(&f, order ? 3 : 4, 20, order ? 5000 : 2600, next, TURN_IS_OVER, &record);
        end(&f, order ? 4 : 3, 20, order ? 2600 : 5000, next, TURN_WAS_LAST, &record);
        assert_int_equal(record.arrival, 100 * SIMTIME_NS);
        assert_int_equal(record.end, 5000 * SIMTIME_NS);
        assert_int_equal(record.tool_time, (30 + 600) * SIMTIME_NS); /* by c, which released d */
        assert_int_equal(record.n_turns, 5);
        assert_int_equal(orchestrator_all_sums(f.orchestrator, f.slot)->turns, 5);
        assert_int_equal(orchestrator_all_sums(f.orchestrator, f.slot)->queue, 0 + 1 + 2 + 3 + 4);
        orchestrator_give_slot(f.orchestrator, f.slot);
        close_it(&f);
    }
}

/* Contents are those of the turns built one after another, whatever is at hand when a turn is called. */
static void contents_go_on_from_parents(void **state)
{
    (void)state;
    struct fixture f;
    struct ready_turn next[4];
    struct program_record record;
    struct prompt_state plain;
    open_text(&f, diamond, (struct orchestrator_options){0});
    prompt_state_init(&plain);
    start(&f, 0);
    const struct program *program = workload_fetch(f.workload, 0, f.slot);
    static const uint32_t order[] = {0, 2, 1, 4, 3};
    for (uint32_t i = 0; i < 5; i++) {
        const struct content content = call(&f, order[i]).content;
        const struct content expected = prompt_build(&plain, program, order[i]);
        assert_int_equal(content.n_extents, expected.n_extents);
        for (uint32_t e = 0; e < content.n_extents; e++) {
            assert_int_equal(content.extents[e].stream, expected.extents[e].stream);
            assert_int_equal(content.extents[e].first, expected.extents[e].first);
            assert_int_equal(content.extents[e].count, expected.extents[e].count);
        }
        if (order[i] < 3) {
            end(&f, order[i], 1, 1000 * (i + 1), next, TURN_RELEASES, &record);
        }
    }
    prompt_state_fini(&plain);
    close_it(&f); /* with a program in progress */
}

static void roots_start_together(void **state)
{
    (void)state;
    struct fixture f;
    struct ready_turn next[4];
    struct program_record record;
    open_text(&f, DAG(NODE(a, 10, 1) "," NODE(b, 90, 50) "," NODE(c, 30, 2), EDGE(a, c, 5)),
              (struct orchestrator_options){.max_model_len = 60,
                                            .on_long_prompt = LONG_PROMPT_IS_TRUNCATED,
                                            .dispatch_latency = 7 * SIMTIME_NS,
                                            .least_step = SIMTIME_NS});
    next[0] = start(&f, 0);
    assert_int_equal(orchestrator_roots(f.orchestrator, f.slot), 2);
    next[1] = orchestrator_root(f.orchestrator, f.slot, 1);
    expect_turn(&next[0], 0, 100, NO_HOME);
    expect_turn(&next[1], 1, 100, NO_HOME);
    assert_int_equal(next[0].service, (7 + 1 + 5) * SIMTIME_NS);
    assert_int_equal(orchestrator_first_service(f.orchestrator, f.slot), next[0].service);
    assert_int_equal(next[1].service, SIMTIME_NEVER);
    assert_int_equal(orchestrator_turns_beside(f.orchestrator), 1);
    const struct turn_call b = orchestrator_call(f.orchestrator, f.slot, 1);
    assert_int_equal(b.prompt_toks, 59); /* cut */
    assert_int_equal(b.content.n_tokens, 59 + 50);
    call(&f, 0);
    end(&f, 1, 1, 300, next, TURN_IS_OVER, &record);
    assert_int_equal(end(&f, 0, 1, 200, next, TURN_RELEASES, &record), 1);
    expect_turn(&next[0], 2, 205, 10);
    call(&f, 2);
    end(&f, 2, 1, 250, next, TURN_WAS_LAST, &record);
    assert_int_equal(record.end, 300 * SIMTIME_NS);
    assert_int_equal(record.tool_time, 0); /* b has none */
    orchestrator_give_slot(f.orchestrator, f.slot);
    close_it(&f);
}

static void a_turn_too_late(void **state)
{
    (void)state;
    struct fixture f;
    struct ready_turn next[4];
    struct program_record record;
    open_text(&f, diamond, (struct orchestrator_options){0});
    start(&f, 0);
    call(&f, 0);
    end(&f, 0, 0, SIMTIME_LIMIT / SIMTIME_NS - 500, next, TURN_TOO_LATE, &record);
    assert_int_equal(ready_turn_number(next[0].key), 1);
    orchestrator_report_late_turn(f.orchestrator, f.slot, 1, &f.diag);
    assert_non_null(strstr(f.diag.entries[f.diag.n_entries - 1].text, "'w', turn 2 of 5"));
    close_it(&f);
}

/* Marks of more ancestors than fit on the stack; a slot that grows from one program to the next. */
static void many_turns(void **state)
{
    (void)state;
    enum { WIDE = 5000 };
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    fprintf(out, "%s{\"nodes\":[{\"node_id\":0,\"input_toks\":5,\"output_toks\":1}", diamond);
    for (int i = 1; i <= WIDE; i++) {
        fprintf(out, ",{\"node_id\":%d,\"input_toks\":5,\"output_toks\":1}", i);
    }
    fprintf(out, "],\"arrival_time_ns\":0,\"edges\":[{\"src\":1,\"dst\":0}");
    for (int i = 2; i <= WIDE; i++) {
        fprintf(out, ",{\"src\":%d,\"dst\":0}", i);
    }
    fprintf(out, "]}\n");
    fclose(out);
    struct fixture f;
    struct ready_turn next[4];
    struct program_record record;
    open_text(&f, text, (struct orchestrator_options){0});
    start(&f, 0);
    orchestrator_give_slot(f.orchestrator, f.slot);
    start(&f, 1);
    assert_int_equal(orchestrator_roots(f.orchestrator, f.slot), WIDE);
    for (uint32_t turn = 0; turn < WIDE; turn++) {
        call(&f, turn);
        assert_int_equal(end(&f, turn, 3, 1000 + turn, next, TURN_RELEASES, &record), turn + 1 == WIDE);
    }
    expect_turn(&next[0], WIDE, 1000 + WIDE - 1, 10);
    call(&f, WIDE);
    assert_int_equal(facts(&f, WIDE).attained, 3 * WIDE * SIMTIME_NS);
    assert_int_equal(facts(&f, WIDE).critical, 3 * SIMTIME_NS);
    end(&f, WIDE, 3, 9000, next, TURN_WAS_LAST, &record);
    close_it(&f);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hints_are_facts),
        cmocka_unit_test(turns_wait_for_all_parents),
        cmocka_unit_test(contents_go_on_from_parents),
        cmocka_unit_test(roots_start_together),
        cmocka_unit_test(a_turn_too_late),
        cmocka_unit_test(many_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
