/* A network that was saved and loaded goes on as if nothing had been; a file that makes no sense is refused, or is a
 * network like any other. */
#include "support/support.h"

#include "base/mem.h"
#include "hw/link/network_internal.h"
#include "hw/link/network_store.h"
#include "hw/link/random_network.h"
#include "support/packed_store.h"

static unsigned char *save(const struct network *network, size_t *n)
{
    struct store_writer *writer = store_create_memory();
    store_begin(writer, "network", 1);
    network_save(network, writer);
    store_end(writer);
    return store_take(writer, n);
}

/* NULL when the bytes are refused, with a message then. */
static struct network *load(const struct random_network *random, const unsigned char *bytes, size_t n)
{
    struct diag diag;
    diag_init(&diag);
    struct network *network = network_create(random->links, random->n_links, random->n_lanes);
    struct store_reader *reader = store_open_stream(bytes_as_file(bytes, n), "memory", &diag);
    assert_true(reader && store_enter(reader, "network", 1));
    const bool good = network_load(network, reader) && store_leave(reader);
    assert_true(good == (store_close(reader) == ASIM_OK));
    if (!good) {
        assert_int_equal(diag.n_entries, 1);
        network_destroy(network);
        network = NULL;
    }
    diag_fini(&diag);
    return network;
}

static struct network *reload(const struct random_network *random, const struct network *network)
{
    size_t n;
    unsigned char *bytes = save(network, &n);
    struct network *loaded = load(random, bytes, n);
    mem_free(bytes);
    return loaded;
}

/* To the same instant; the same flows must end. */
static void advance_both(struct network *a, struct network *b, simtime now)
{
    const struct network_end *ends[2];
    const size_t n = network_advance(a, now, &ends[0]);
    assert_int_equal(network_advance(b, now, &ends[1]), n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(ends[0][i].time, ends[1][i].time);
        assert_int_equal(ends[0][i].start, ends[1][i].start);
        assert_int_equal(ends[0][i].tag, ends[1][i].tag);
        assert_int_equal(ends[0][i].bytes, ends[1][i].bytes);
        assert_int_equal(ends[0][i].flow, ends[1][i].flow);
    }
}

static void same_state(const struct network *a, const struct network *b)
{
    size_t n[2];
    unsigned char *bytes[2] = {save(a, &n[0]), save(b, &n[1])};
    assert_int_equal(n[0], n[1]);
    assert_memory_equal(bytes[0], bytes[1], n[0]);
    mem_free(bytes[0]);
    mem_free(bytes[1]);
}

static void start_some(struct random_network *random, struct network *a, struct network *b, simtime now)
{
    for (uint64_t n = random_below(random, 4); n > 0; n--) {
        uint32_t path[NETWORK_MAX_PATH];
        const struct network_transfer transfer = random_transfer(random, path);
        const uint32_t flow = network_start(a, now, &transfer);
        assert_int_equal(network_start(b, now, &transfer), flow);
    }
}

static void a_loaded_network_goes_on(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct random_network random = random_links(seed, 30);
        struct network *kept = network_create(random.links, random.n_links, random.n_lanes);
        struct network *network = network_create(random.links, random.n_links, random.n_lanes);
        simtime now = 0;
        for (int i = 0; i < 60; i++) {
            now += (simtime)random_below(&random, 3 * SIMTIME_MS);
            advance_both(kept, network, now);
            start_some(&random, kept, network, now); /* saved before and after rates are solved */
            struct network *loaded = reload(&random, network);
            assert_non_null(loaded);
            same_state(kept, loaded);
            network_destroy(network);
            network = loaded;
        }
        advance_both(kept, network, SIMTIME_LIMIT);
        same_state(kept, network);
        network_destroy(kept);
        network_destroy(network);
    }
}

static struct network *busy_network(struct random_network *random)
{
    struct network *network = network_create(random->links, random->n_links, random->n_lanes);
    const struct network_end *ends;
    for (int i = 0; i < 30; i++) {
        const simtime now = i * SIMTIME_MS;
        network_advance(network, now, &ends);
        uint32_t path[NETWORK_MAX_PATH];
        const struct network_transfer transfer = random_transfer(random, path);
        network_start(network, now, &transfer);
    }
    return network;
}

/* Changes something that a file would hold. */
static void damage(struct random_network *random, struct network *network)
{
    struct flow *flow = &network->flows[random_below(random, network->n_slots)];
    static const uint8_t states[] = {FLOW_FREE, FLOW_QUEUED, FLOW_MOVING, 9}; /* a waiting one would need a time */
    static const uint32_t values[] = {0, 1, 2, 3, 5, UINT32_MAX};
    const uint32_t value = values[random_below(random, 6)];
    struct lane *lane = &network->lanes[random_below(random, network->n_lanes)];
    switch (random_below(random, 12)) {
    case 0:
        flow->state = states[random_below(random, 4)];
        break;
    case 1:
        flow->n_path = (uint8_t)(value % 9);
        break;
    case 2:
        flow->path[random_below(random, flow->n_path ? flow->n_path : 1)] = value;
        break;
    case 3:
        flow->lane = value;
        break;
    case 4:
        flow->bytes = value;
        break;
    case 5:
        flow->left = (flow_work)value << (value % 100);
        break;
    case 6:
        flow->start = UINT64_MAX - value;
        break;
    case 7:
        lane->first = network->lanes[random_below(random, network->n_lanes)].first;
        break;
    case 8:
        network->free = NETWORK_NONE;
        break;
    case 9:
        flow->lane_next = NETWORK_NONE;
        break;
    case 10:
        network->now = value ? network->now + value : -1;
        break;
    default:
        network->links[value % network->n_links].busy = -(simtime)value;
    }
}

static void damage_is_refused_or_harmless(void **state)
{
    (void)state;
    uint32_t refused = 0;
    enum { DRAWS = 3000 };
    for (uint64_t seed = 1; seed <= DRAWS; seed++) {
        struct random_network random = random_links(seed, 12);
        random.n_lanes = random.n_lanes ? random.n_lanes : 1;
        struct network *network = busy_network(&random);
        damage(&random, network);
        struct network *loaded = reload(&random, network);
        network_destroy(network);
        if (!loaded) {
            refused++;
            continue;
        }
        const struct network_end *ends;
        network_advance(loaded, SIMTIME_LIMIT, &ends);
        for (uint32_t f = 0; f < loaded->n_slots; f++) {
            if (loaded->flows[f].state != FLOW_FREE) {
                network_cancel(loaded, SIMTIME_LIMIT, f);
            }
        }
        assert_int_equal(loaded->n_flows, 0);
        for (uint32_t l = 0; l < loaded->n_links; l++) {
            assert_int_equal(loaded->links[l].first, NETWORK_NONE);
        }
        network_destroy(loaded);
    }
    print_message("%u of %u damaged networks refused\n", refused, DRAWS);
    assert_true(refused > DRAWS / 4);
}

static void another_configuration_is_refused(void **state)
{
    (void)state;
    struct random_network random = random_links(1, 12);
    struct network *network = busy_network(&random);
    struct random_network other = random;
    other.links[0].bandwidth++;
    assert_null(reload(&other, network));
    other = random;
    other.n_lanes++;
    assert_null(reload(&other, network));
    other = random;
    other.n_links++;
    other.links[random.n_links] = random.links[0];
    assert_null(reload(&other, network));
    network_destroy(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loaded_network_goes_on),
        cmocka_unit_test(damage_is_refused_or_harmless),
        cmocka_unit_test(another_configuration_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
