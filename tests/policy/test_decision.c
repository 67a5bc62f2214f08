#include "support/support.h"

#include "asim/policy.h"
#include "policy/decision.h"

#include <stdlib.h>

static void add(struct decision_list *list, simtime time, enum decision_kind kind, uint32_t instance, uint64_t program)
{
    decision_list_add(list, &(struct decision){.time = time,
                                               .program = program,
                                               .instance = instance,
                                               .kind = kind,
                                               .other = ASIM_NONE,
                                               .until = SIMTIME_NEVER});
}

/* By time, routing first, by instance; the rest stays as it was, whatever the parts were appended in. */
static void in_order(void **state)
{
    (void)state;
    for (int turned = 0; turned < 2; turned++) {
        struct decision_list parts[2] = {{0}};
        struct decision_list all = {0};
        add(&parts[0], 5, DECISION_START, 0, 3);
        add(&parts[0], 5, DECISION_REFUSE, 0, 1);
        add(&parts[0], 5, DECISION_START, 0, 2);
        add(&parts[1], 5, DECISION_PIN, 1, 4);
        add(&parts[1], 5, DECISION_ROUTE, 1, 0);
        add(&parts[1], 4, DECISION_ROUTE, 1, 9);
        add(&parts[1], 6, DECISION_ROUTE, 1, 8);
        decision_list_append(&all, &parts[turned]);
        decision_list_append(&all, &parts[!turned]);
        decision_list_sort(&all);
        static const uint64_t expected[] = {9, 0, 3, 1, 2, 4, 8};
        assert_int_equal(all.n, 7);
        for (size_t i = 0; i < 7; i++) {
            assert_int_equal(all.items[i].program, expected[i]);
        }
        decision_list_fini(&all);
        decision_list_fini(&parts[0]);
        decision_list_fini(&parts[1]);
    }
}

static void as_text(void **state)
{
    (void)state;
    struct decision_list list = {0};
    static const char *const tools[] = {"a \"b\"", "c"};
    add(&list, 1500 * SIMTIME_MS, DECISION_ROUTE, 2, 7);
    list.items[0].toks = 10;
    decision_list_add(&list, &(struct decision){.time = 2 * SIMTIME_S,
                                                .program = UINT64_C(1) << 40,
                                                .turn = 3,
                                                .instance = 1,
                                                .kind = DECISION_PIN,
                                                .toks = 11,
                                                .other = 0,
                                                .free_blocks = 12,
                                                .retained_blocks = 13,
                                                .running = 14,
                                                .waiting = 15,
                                                .until = 2 * SIMTIME_S + 1,
                                                .score = 0.1});
    char *text = NULL;
    size_t bytes = 0;
    FILE *file = open_memstream(&text, &bytes);
    assert_true(decision_list_write(&list, tools, 2, file));
    fclose(file);
    assert_string_equal(text,
                        "{\"time_s\":1.5,\"instance\":2,\"plane\":\"routing\",\"function\":\"route\",\"program\":7,"
                        "\"turn\":0,\"sees\":{\"tokens\":10,\"home\":null},\"choice\":\"send\"}\n"
                        "{\"time_s\":2,\"instance\":1,\"plane\":\"retention\",\"function\":\"on_turn_complete\","
                        "\"program\":1099511627776,\"turn\":3,\"sees\":{\"tokens\":11,\"tool\":\"a \\\"b\\\"\","
                        "\"free_blocks\":12,\"retained_blocks\":13,\"running\":14,\"waiting\":15},"
                        "\"choice\":\"pin\",\"until_s\":2.000000000001,\"score\":0.10000000000000001}\n");
    free(text);
    decision_list_fini(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(in_order), cmocka_unit_test(as_text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
