#include "support/support.h"

#include "base/rng.h"
#include "pdes/mailbox.h"
#include "pdes/team.h"

#include <stdbool.h>
#include <string.h>

enum { PARTIES = 3, WINDOWS = 400, MOST = 40 };

struct message {
    uint32_t window;
    uint32_t from;
    uint32_t to;
    uint32_t number; /* among those of this window and lane */
};

/* How many messages go from one to another in a window: often none. */
static uint32_t n_messages(uint32_t window, uint32_t from, uint32_t to)
{
    const uint64_t bits = rng_u64((struct rng_key){.seed = 3, .program = window}, from * PARTIES + to);
    return bits % 2 ? (uint32_t)(bits >> 8) % MOST : 0;
}

struct exchange {
    struct team *team;
    struct mailbox *box;
    bool wrong[PARTIES];
};

struct inbox {
    struct exchange *exchange;
    uint32_t window; /* of the messages */
    uint32_t to;
    uint32_t from; /* next lane expected */
};

static void put_all(struct exchange *exchange, uint32_t window, uint32_t from)
{
    for (uint32_t number = 0; number < MOST; number++) { /* lanes interleaved */
        for (uint32_t to = 0; to < PARTIES; to++) {
            if (number < n_messages(window, from, to)) {
                const struct message message = {.window = window, .from = from, .to = to, .number = number};
                mailbox_put(exchange->box, from, to, &message);
            }
        }
    }
}

static void skip_empty_lanes(struct inbox *inbox)
{
    while (inbox->from < PARTIES && n_messages(inbox->window, inbox->from, inbox->to) == 0) {
        inbox->from++;
    }
}

static void check_lane(void *argument, void *messages, size_t n)
{
    struct inbox *inbox = argument;
    bool *wrong = &inbox->exchange->wrong[inbox->to];
    skip_empty_lanes(inbox);
    if (inbox->from == PARTIES || n != n_messages(inbox->window, inbox->from, inbox->to)) {
        *wrong = true;
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        const struct message expected = {inbox->window, inbox->from, inbox->to, i};
        *wrong |= memcmp((struct message *)messages + i, &expected, sizeof expected) != 0;
    }
    inbox->from++;
}

/* One meeting a window: what was put in a window is taken in the next, whole and in order. */
static void exchange_windows(void *argument, uint32_t thread)
{
    struct exchange *exchange = argument;
    put_all(exchange, 0, thread);
    for (uint32_t window = 1; window < WINDOWS; window++) {
        team_meet(exchange->team, thread);
        struct inbox inbox = {.exchange = exchange, .window = window - 1, .to = thread};
        mailbox_take(exchange->box, thread, check_lane, &inbox);
        skip_empty_lanes(&inbox);
        exchange->wrong[thread] |= inbox.from != PARTIES;
        put_all(exchange, window, thread);
    }
}

static void messages_arrive_whole_and_in_order(void **state)
{
    (void)state;
    struct exchange exchange = {.team = team_create(PARTIES, TEAM_BIND_NONE),
                                .box = mailbox_create(PARTIES, sizeof(struct message))};
    assert_int_equal(team_size(exchange.team), PARTIES);
    team_run(exchange.team, exchange_windows, &exchange);
    for (uint32_t i = 0; i < PARTIES; i++) {
        assert_false(exchange.wrong[i]);
    }
    mailbox_destroy(exchange.box);
    team_destroy(exchange.team);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(messages_arrive_whole_and_in_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
