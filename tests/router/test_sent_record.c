#include "support/support.h"

#include "base/rng.h"
#include "router/sent_record.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK = 16 };

/* `count` tokens of a stream. */
static struct content stream(struct extent *extent, uint64_t number, uint32_t count)
{
    *extent = (struct extent){stream_private(number, 0), 0, count};
    return (struct content){extent, 1, count};
}

static const uint32_t *look(struct sent_record *record, uint64_t number, uint32_t prompt)
{
    struct extent extent;
    return sent_record_overlap(record, stream(&extent, number, prompt + 1), prompt);
}

static void send_to(struct sent_record *record, uint32_t instance, uint64_t number, uint32_t prompt)
{
    struct extent extent;
    const struct content content = stream(&extent, number, prompt + 1);
    sent_record_overlap(record, content, prompt);
    sent_record_enter(record, instance, content, prompt);
}

static void prompts_are_found_where_they_were_sent(void **state)
{
    (void)state;
    struct sent_record *record = sent_record_create(3, 100, BLOCK);
    assert_int_equal(look(record, 1, 100)[0], 0);
    send_to(record, 1, 1, 100); /* six blocks and four tokens */
    assert_int_equal(sent_record_blocks(record, 1), 6);
    assert_int_equal(sent_record_blocks(record, 0), 0);
    assert_memory_equal(look(record, 1, 100), ((const uint32_t[]){0, 6, 0}), 3 * sizeof(uint32_t));
    assert_int_equal(look(record, 1, 96)[1], 5); /* a hit leaves the last token */
    assert_int_equal(look(record, 1, 1000)[1], 6);
    assert_int_equal(look(record, 2, 1000)[1], 0);
    send_to(record, 1, 1, 200);
    assert_int_equal(sent_record_blocks(record, 1), 12);
    send_to(record, 1, 3, 96);
    send_to(record, 1, 3, 96); /* full blocks are not entered again */
    assert_int_equal(sent_record_blocks(record, 1), 18);
    sent_record_destroy(record);
}

static void the_oldest_blocks_go(void **state)
{
    (void)state;
    struct sent_record *record = sent_record_create(1, 10, BLOCK);
    send_to(record, 0, 1, 64);
    send_to(record, 0, 2, 64);
    send_to(record, 0, 1, 64); /* 1 is the younger one now */
    send_to(record, 0, 3, 64); /* two blocks were free; of 2 the last two go */
    assert_int_equal(sent_record_blocks(record, 0), 10);
    assert_int_equal(look(record, 1, 65)[0], 4);
    assert_int_equal(look(record, 2, 65)[0], 2);
    assert_int_equal(look(record, 3, 65)[0], 4);
    sent_record_destroy(record);
}

static void tokens_are_pending_until_turns_begin(void **state)
{
    (void)state;
    struct sent_record *record = sent_record_create(2, 100, BLOCK);
    const uint64_t *pending = sent_record_pending(record);
    send_to(record, 0, 1, 100);
    send_to(record, 0, 2, 50);
    send_to(record, 0, 1, 120); /* six blocks are there */
    assert_int_equal(pending[0], 100 + 50 + 24);
    assert_int_equal(pending[1], 0);
    sent_record_observe(record, 0, 3, 2);
    assert_int_equal(pending[0], 50 + 24);
    sent_record_observe(record, 0, 3, 0);
    assert_int_equal(pending[0], 0);
    sent_record_observe(record, 0, 2, 1); /* one has ended, and one waits again */
    assert_int_equal(pending[0], 24);
    send_to(record, 0, 4, 10);
    assert_int_equal(pending[0], 34);
    sent_record_observe(record, 0, 2, 2);
    assert_int_equal(pending[0], 34);
    sent_record_observe(record, 0, 0, 0);
    assert_int_equal(pending[0], 0);
    sent_record_destroy(record);
}

/* What is seen in between changes nothing. */
static void only_the_last_observation_counts(void **state)
{
    (void)state;
    struct sent_record *often = sent_record_create(1, 1000, BLOCK);
    struct sent_record *seldom = sent_record_create(1, 1000, BLOCK);
    uint32_t outstanding = 0;
    for (uint32_t i = 0; i < 3000; i++) {
        const uint64_t dice = rng_u64((struct rng_key){.seed = 3}, i);
        if (dice % 3) {
            send_to(often, 0, i, 1 + (uint32_t)(dice >> 8) % 90);
            send_to(seldom, 0, i, 1 + (uint32_t)(dice >> 8) % 90);
            outstanding++;
        } else {
            outstanding -= outstanding ? (uint32_t)(dice >> 8) % outstanding : 0;
            const uint32_t unbegun = (uint32_t)(dice >> 40) % (outstanding + 1);
            sent_record_observe(often, 0, outstanding, unbegun);
            if (dice >> 60 == 0) {
                sent_record_observe(seldom, 0, outstanding, unbegun);
                assert_int_equal(sent_record_pending(often)[0], sent_record_pending(seldom)[0]);
            }
        }
    }
    sent_record_destroy(often);
    sent_record_destroy(seldom);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prompts_are_found_where_they_were_sent),
        cmocka_unit_test(the_oldest_blocks_go),
        cmocka_unit_test(tokens_are_pending_until_turns_begin),
        cmocka_unit_test(only_the_last_observation_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
