/* Shared links: what is known by hand, then random networks against the plain twin and the definition of fairness. */
#include "support/support.h"

#include "base/mem.h"
#include "hw/link/plain_network.h"
#include "hw/link/random_network.h"

#define GB UINT64_C(1000000000)

static uint32_t start(struct network *network, simtime now, const uint32_t *path, uint32_t n_path, uint64_t bytes,
                      uint64_t tag)
{
    return network_start(network, now,
                         &(struct network_transfer){
                             .path = path, .n_path = n_path, .lane = NETWORK_NO_LANE, .bytes = bytes, .tag = tag});
}

static uint32_t start_lane(struct network *network, simtime now, uint32_t lane, uint64_t bytes, uint64_t tag)
{
    const uint32_t link = 0;
    return network_start(
        network, now, &(struct network_transfer){.path = &link, .n_path = 1, .lane = lane, .bytes = bytes, .tag = tag});
}

static const uint32_t UP[] = {0}, DOWN[] = {1}, UP_MEMORY[] = {0, 2}, DOWN_MEMORY[] = {1, 2};

static void two_flows_get_half_each(void **state)
{
    (void)state;
    const struct network_link link = {50 * GB, 0};
    struct network *network = network_create(&link, 1, 0);
    const uint32_t a = start(network, 0, UP, 1, 10 * GB, 1);
    assert_int_equal(network_flow_rate(network, a), 50 * GB);
    const uint32_t b = start(network, 0, UP, 1, 10 * GB, 2);
    assert_int_equal(network_flow_rate(network, a), 25 * GB);
    assert_int_equal(network_flow_rate(network, b), 25 * GB);
    assert_int_equal(network_next(network), 400 * SIMTIME_MS);
    const struct network_end *ends;
    assert_int_equal(network_advance(network, 400 * SIMTIME_MS, &ends), 2);
    assert_int_equal(ends[0].tag, 1);
    assert_int_equal(ends[1].tag, 2);
    assert_int_equal(ends[1].time, 400 * SIMTIME_MS);
    assert_int_equal(network_next(network), SIMTIME_NEVER);
    network_destroy(network);
}

static void a_share_returns_at_once(void **state)
{
    (void)state;
    const struct network_link link = {60 * GB, 0};
    struct network *network = network_create(&link, 1, 0);
    const uint32_t a = start(network, 0, UP, 1, 60 * GB, 1);
    const uint32_t b = start(network, 0, UP, 1, 60 * GB, 2);
    start(network, 0, UP, 1, 10 * GB, 3);
    assert_int_equal(network_flow_rate(network, a), 20 * GB);
    const struct network_end *ends;
    assert_int_equal(network_advance(network, 500 * SIMTIME_MS, &ends), 1);
    assert_int_equal(ends[0].tag, 3);
    assert_int_equal(network_flow_rate(network, a), 30 * GB);
    assert_int_equal(network_flow_moved(network, b), 10 * GB);
    assert_int_equal(network_cancel(network, 600 * SIMTIME_MS, a), 13 * GB);
    assert_int_equal(network_flow_rate(network, b), 60 * GB);
    assert_int_equal(network_advance(network, SIMTIME_LIMIT, &ends), 1);
    assert_int_equal(ends[0].time, 600 * SIMTIME_MS + 47 * SIMTIME_S / 60 + 1); /* 783.33.. ms, rounded up */
    const struct network_counters counters = network_link_counters(network, 0);
    assert_int_equal(counters.bytes, (10 + 13 + 60) * GB);
    assert_int_equal(counters.busy, ends[0].time);
    assert_int_equal(counters.flows, 0);
    network_destroy(network);
}

static void directions_are_apart_and_memory_is_shared(void **state)
{
    (void)state;
    const struct network_link links[] = {{50 * GB, 0}, {50 * GB, 0}, {80 * GB, 0}};
    struct network *network = network_create(links, 3, 0);
    const uint32_t up = start(network, 0, UP, 1, GB, 1);
    const uint32_t down = start(network, 0, DOWN, 1, GB, 2);
    assert_int_equal(network_flow_rate(network, up), 50 * GB);
    assert_int_equal(network_flow_rate(network, down), 50 * GB);
    network_cancel(network, 0, up);
    network_cancel(network, 0, down);
    const uint32_t both[] = {start(network, 0, UP_MEMORY, 2, GB, 1), start(network, 0, DOWN_MEMORY, 2, GB, 2)};
    assert_int_equal(network_flow_rate(network, both[0]), 40 * GB);
    assert_int_equal(network_flow_rate(network, both[1]), 40 * GB);
    start(network, 0, UP, 1, GB, 3); /* takes half of the way up; the way down gets what that leaves of the memory */
    assert_int_equal(network_flow_rate(network, both[0]), 25 * GB);
    assert_int_equal(network_flow_rate(network, both[1]), 50 * GB);
    network_destroy(network);
}

static void a_flow_begins_after_its_latencies(void **state)
{
    (void)state;
    const struct network_link links[] = {{GB, 3 * SIMTIME_US}, {GB, 0}, {GB, 4 * SIMTIME_US}};
    struct network *network = network_create(links, 3, 0);
    const uint32_t f = start(network, 5, UP_MEMORY, 2, 1, 1);
    assert_int_equal(network_flow_rate(network, f), 0);
    assert_int_equal(network_next(network), 5 + 7 * SIMTIME_US);
    const struct network_end *ends;
    assert_int_equal(network_advance(network, 5 + 7 * SIMTIME_US, &ends), 0);
    assert_int_equal(network_flow_rate(network, f), GB);
    assert_int_equal(network_next(network), 5 + 7 * SIMTIME_US + 1000);
    start(network, 5 + 7 * SIMTIME_US, UP_MEMORY, 2, 0, 0); /* nothing to move: ends when it would begin */
    assert_int_equal(network_advance(network, SIMTIME_S, &ends), 2);
    assert_int_equal(ends[0].time, 5 + 7 * SIMTIME_US + 1000);
    assert_int_equal(ends[1].time, 5 + 14 * SIMTIME_US);
    network_destroy(network);
}

static void a_lane_is_first_in_first_out(void **state)
{
    (void)state;
    const struct network_link link = {GB, 10};
    struct network *network = network_create(&link, 1, 2);
    const struct network_end *ends;
    const uint32_t a = start_lane(network, 0, 0, 100, 9);
    const uint32_t b = start_lane(network, 0, 0, 100, 8);
    const uint32_t c = start_lane(network, 0, 0, 100, 7);
    const uint32_t d = start_lane(network, 0, 0, 100, 6);
    network_advance(network, 10, &ends);
    assert_int_equal(network_flow_rate(network, a), GB);
    assert_int_equal(network_flow_rate(network, b), 0);
    assert_int_equal(network_cancel(network, 20, c), 0);
    assert_int_equal(network_advance(network, 10 + 100000, &ends), 1);
    assert_int_equal(ends[0].tag, 9);
    assert_int_equal(network_cancel(network, 10 + 100000 + 5, b), 0); /* while its latency passes: the next begins */
    assert_int_equal(network_advance(network, SIMTIME_S, &ends), 1);
    assert_int_equal(ends[0].flow, d);
    assert_int_equal(ends[0].time, 10 + 100000 + 5 + 10 + 100000);
    start_lane(network, SIMTIME_S, 0, 100, 1); /* two lanes share the link */
    start_lane(network, SIMTIME_S, 1, 100, 0);
    assert_int_equal(network_advance(network, 2 * SIMTIME_S, &ends), 2);
    assert_int_equal(ends[0].tag, 0);
    assert_int_equal(ends[1].time, SIMTIME_S + 10 + 200000);
    network_destroy(network);
}

/* What a lane lets begin at the instant goes where its tag and start say, not where it happened. */
static void ends_of_one_instant_are_in_order(void **state)
{
    (void)state;
    const struct network_link link = {GB, 0};
    struct network *network = network_create(&link, 1, 1);
    start_lane(network, 0, 0, 0, 9);
    start_lane(network, 0, 0, 0, 3);
    start(network, 0, UP, 1, 0, 3);
    start(network, 0, UP, 1, 0, 1);
    const struct network_end *ends;
    assert_int_equal(network_advance(network, 0, &ends), 4);
    static const uint64_t starts[] = {3, 1, 2, 0};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(ends[i].start, starts[i]);
    }
    network_destroy(network);
}

/* Starting and cancelling move the clock where nothing happens before. */
static void the_clock_follows_starts(void **state)
{
    (void)state;
    const struct network_link link = {10 * GB, 0};
    struct network *network = network_create(&link, 1, 0);
    const uint32_t a = start(network, 0, UP, 1, 10 * GB, 1);
    const uint32_t b = start(network, 100 * SIMTIME_MS, UP, 1, 10 * GB, 2);
    assert_int_equal(network_flow_moved(network, a), GB);
    assert_int_equal(network_cancel(network, 300 * SIMTIME_MS, b), GB);
    assert_int_equal(network_flow_moved(network, a), 2 * GB);
    assert_int_equal(network_next(network), 1100 * SIMTIME_MS);
    network_destroy(network);
}

static void what_never_ends_is_never(void **state)
{
    (void)state;
    const struct network_link link = {NETWORK_MIN_BANDWIDTH, 0};
    struct network *network = network_create(&link, 1, 0);
    const uint32_t f = start(network, 0, UP, 1, UINT64_MAX, 1);
    assert_int_equal(network_next(network), SIMTIME_NEVER);
    const struct network_end *ends;
    assert_int_equal(network_advance(network, SIMTIME_LIMIT, &ends), 0);
    assert_int_equal(network_flow_moved(network, f), (uint64_t)(SIMTIME_LIMIT / SIMTIME_S) * NETWORK_MIN_BANDWIDTH);
    network_destroy(network);
}

/* Both networks side by side. */
struct pair {
    struct random_network random;
    struct network *network;
    struct plain_network plain;
    uint32_t *numbers; /* of the plain network's flows */
    size_t capacity, n_ends;
};

static void set_up(struct pair *pair, uint64_t seed, uint32_t max_links)
{
    *pair = (struct pair){.random = random_links(seed, max_links)};
    pair->network = network_create(pair->random.links, pair->random.n_links, pair->random.n_lanes);
    plain_init(&pair->plain, pair->random.links, pair->random.n_links);
}

static void tear_down(struct pair *pair)
{
    network_destroy(pair->network);
    plain_fini(&pair->plain);
    mem_free(pair->numbers);
}

static void advance(struct pair *pair, simtime now)
{
    const struct network_end *ends;
    const size_t n = network_advance(pair->network, now, &ends);
    plain_advance(&pair->plain, now);
    assert_int_equal(pair->plain.n_ends, pair->n_ends + n);
    for (size_t i = 0; i < n; i++) {
        const struct network_end *end = &pair->plain.ends[pair->n_ends + i];
        assert_int_equal(ends[i].time, end->time);
        assert_int_equal(ends[i].tag, end->tag);
        assert_int_equal(ends[i].start, end->start);
        assert_int_equal(ends[i].bytes, end->bytes);
        assert_int_equal(ends[i].flow, pair->numbers[end->start]);
    }
    pair->n_ends += n;
}

static void start_random(struct pair *pair, simtime now)
{
    uint32_t path[NETWORK_MAX_PATH];
    const struct network_transfer transfer = random_transfer(&pair->random, path);
    const size_t index = plain_start(&pair->plain, &transfer);
    pair->numbers = mem_grow(pair->numbers, &pair->capacity, index + 1, sizeof *pair->numbers);
    pair->numbers[index] = network_start(pair->network, now, &transfer);
}

static void cancel_random(struct pair *pair, simtime now)
{
    const size_t index = random_below(&pair->random, pair->plain.n);
    if (pair->plain.flows[index].state != PLAIN_GONE) {
        const uint64_t moved = plain_cancel(&pair->plain, index);
        assert_int_equal(network_cancel(pair->network, now, pair->numbers[index]), moved);
        pair->plain.flows[index].bytes = moved;
    }
}

static uint32_t moving_on(const struct plain_network *plain, uint32_t link, uint64_t *sum, uint64_t *largest)
{
    uint32_t n = 0;
    *sum = *largest = 0;
    for (size_t f = 0; f < plain->n; f++) {
        const struct plain_flow *flow = &plain->flows[f];
        if (flow->state == PLAIN_MOVING && path_has(flow->path, flow->n_path, link)) {
            n++;
            *sum += flow->rate;
            *largest = flow->rate > *largest ? flow->rate : *largest;
        }
    }
    return n;
}

/* Rates are those of the plain network, no link gives more than it has, and every flow is one of the fastest on a link
 * that is full to less than one byte a second for each of its flows. */
static void check_rates(struct pair *pair)
{
    bool full[RANDOM_MAX_LINKS];
    uint64_t largest[RANDOM_MAX_LINKS];
    for (uint32_t l = 0; l < pair->random.n_links; l++) {
        uint64_t sum;
        const uint32_t n = moving_on(&pair->plain, l, &sum, &largest[l]);
        assert_true(sum <= pair->random.links[l].bandwidth);
        full[l] = n && pair->random.links[l].bandwidth - sum < n;
        assert_int_equal(network_link_counters(pair->network, l).flows, n);
    }
    for (size_t f = 0; f < pair->plain.n; f++) {
        const struct plain_flow *flow = &pair->plain.flows[f];
        if (flow->state == PLAIN_GONE) {
            continue;
        }
        assert_int_equal(network_flow_rate(pair->network, pair->numbers[f]), flow->rate);
        assert_int_equal(network_flow_moved(pair->network, pair->numbers[f]), plain_moved(&pair->plain, f));
        bool has_bottleneck = flow->state != PLAIN_MOVING;
        for (uint32_t i = 0; i < flow->n_path; i++) {
            has_bottleneck = has_bottleneck || (full[flow->path[i]] && largest[flow->path[i]] == flow->rate);
        }
        assert_true(has_bottleneck);
    }
}

/* Bytes that went over each link are those of the flows that are gone and of what the others have moved. */
static void check_bytes(const struct pair *pair)
{
    for (uint32_t l = 0; l < pair->random.n_links; l++) {
        uint64_t bytes = 0;
        for (size_t f = 0; f < pair->plain.n; f++) {
            const struct plain_flow *flow = &pair->plain.flows[f];
            if (path_has(flow->path, flow->n_path, l)) {
                bytes += flow->state == PLAIN_GONE ? flow->bytes : plain_moved(&pair->plain, f);
            }
        }
        assert_int_equal(network_link_counters(pair->network, l).bytes, bytes);
    }
}

static void random_networks_equal_the_plain_one(void **state)
{
    (void)state;
    size_t ended = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct pair pair;
        set_up(&pair, seed, seed % 2 ? 6 : 40);
        simtime now = 0;
        for (int i = 0; i < 150; i++) {
            now += (simtime)(random_below(&pair.random, 3) * random_below(&pair.random, 2 * SIMTIME_MS));
            advance(&pair, now);
            for (uint64_t n = random_below(&pair.random, 3); n > 0; n--) {
                start_random(&pair, now);
            }
            if (pair.plain.n && random_below(&pair.random, 8) == 0) {
                cancel_random(&pair, now);
            }
            check_rates(&pair);
        }
        check_bytes(&pair);
        advance(&pair, SIMTIME_LIMIT);
        check_bytes(&pair);
        ended += pair.n_ends;
        tear_down(&pair);
    }
    assert_true(ended > 5000);
}

/* Starts at random times; in between the clock goes in `steps` steps, or from event to event (0), or is not moved but
 * for the next start (1). Returns all ends. */
static size_t run(uint64_t seed, uint32_t steps, struct network_end *out)
{
    struct random_network random = random_links(seed, 64);
    struct network *network = network_create(random.links, random.n_links, random.n_lanes);
    simtime now = 0;
    size_t n_out = 0;
    for (int i = 0; i <= 2000; i++) {
        const simtime next = i < 2000 ? now + (simtime)random_below(&random, 20 * SIMTIME_US) : SIMTIME_LIMIT;
        for (uint32_t k = 1; now < next || k <= steps; k++) {
            const simtime event = network_next(network);
            if (steps == 0) {
                now = event < next ? event : next;
            } else {
                now += (next - now) / (simtime)(steps - k + 1);
            }
            const struct network_end *ends;
            const size_t n = network_advance(network, now, &ends);
            for (size_t e = 0; e < n; e++) {
                out[n_out++] = ends[e];
            }
        }
        uint32_t path[NETWORK_MAX_PATH];
        const struct network_transfer transfer = random_transfer(&random, path);
        if (i < 2000) {
            network_start(network, now, &transfer);
        }
    }
    network_destroy(network);
    return n_out;
}

static void steps_do_not_matter(void **state)
{
    (void)state;
    static struct network_end once[2000], often[2000], events[2000];
    for (uint64_t seed = 1; seed <= 5; seed++) {
        const size_t n = run(seed, 1, once);
        assert_int_equal(run(seed, 7, often), n);
        assert_int_equal(run(seed, 0, events), n);
        assert_int_equal(n, 2000);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(once[i].time, often[i].time);
            assert_int_equal(once[i].start, often[i].start);
            assert_int_equal(once[i].time, events[i].time);
            assert_int_equal(once[i].start, events[i].start);
        }
    }
}

/* Thousands of flows at once on one large component, to the end. */
static void thousands_of_flows(void **state)
{
    (void)state;
    struct random_network random = random_links(7, 64);
    random.n_lanes = 0;
    struct network *network = network_create(random.links, random.n_links, 0);
    uint64_t bytes[RANDOM_MAX_LINKS] = {0};
    for (int i = 0; i < 5000; i++) {
        uint32_t path[NETWORK_MAX_PATH];
        const struct network_transfer transfer = random_transfer(&random, path);
        network_start(network, 0, &transfer);
        for (uint32_t k = 0; k < transfer.n_path; k++) {
            bytes[path[k]] += transfer.bytes;
        }
    }
    const struct network_end *ends;
    assert_int_equal(network_advance(network, SIMTIME_LIMIT, &ends), 5000);
    for (uint32_t l = 0; l < random.n_links; l++) {
        const struct network_counters counters = network_link_counters(network, l);
        assert_int_equal(counters.bytes, bytes[l]);
        assert_int_equal(counters.flows, 0);
        assert_true((unsigned __int128)bytes[l] * SIMTIME_S <=
                    (unsigned __int128)random.links[l].bandwidth * (uint64_t)counters.busy);
    }
    network_destroy(network);
}

static void no_allocation_in_steady_state(void **state)
{
    (void)state;
    struct random_network random = random_links(3, 64);
    struct network *network = network_create(random.links, random.n_links, random.n_lanes);
    uint64_t calls = 0;
    const struct network_end *ends;
    for (int round = 0; round < 20; round++) {
        const simtime now = round * 100000 * SIMTIME_S;
        network_advance(network, now, &ends);
        for (int i = 0; i < 100; i++) {
            uint32_t path[NETWORK_MAX_PATH];
            const struct network_transfer transfer = random_transfer(&random, path);
            network_start(network, now, &transfer);
        }
        if (round == 2) {
            calls = mem_calls();
        }
    }
    assert_int_equal(mem_calls(), calls);
    network_destroy(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_flows_get_half_each),
        cmocka_unit_test(a_share_returns_at_once),
        cmocka_unit_test(directions_are_apart_and_memory_is_shared),
        cmocka_unit_test(a_flow_begins_after_its_latencies),
        cmocka_unit_test(a_lane_is_first_in_first_out),
        cmocka_unit_test(ends_of_one_instant_are_in_order),
        cmocka_unit_test(the_clock_follows_starts),
        cmocka_unit_test(what_never_ends_is_never),
        cmocka_unit_test(random_networks_equal_the_plain_one),
        cmocka_unit_test(steps_do_not_matter),
        cmocka_unit_test(thousands_of_flows),
        cmocka_unit_test(no_allocation_in_steady_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
