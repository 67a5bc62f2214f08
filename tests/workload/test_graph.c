/* Graphs of programs against what they are made of, found the plain way. */
#include "support/support.h"

#include "base/rng.h"
#include "workload/graph.h"

#include <string.h>

enum { MOST = 14 };

struct sample {
    uint32_t n;
    bool edge[MOST][MOST]; /* by node */
    simtime delay[MOST][MOST];
};

static uint32_t draw(uint64_t seed, uint32_t *at, uint32_t below)
{
    return (uint32_t)(rng_u64((struct rng_key){.seed = seed, .program = 3}, (*at)++) % below);
}

/* Turns on the longest way from a root to a node. */
static uint32_t level(const struct sample *sample, uint32_t node)
{
    uint32_t longest = 0;
    for (uint32_t from = 0; from < sample->n; from++) {
        if (sample->edge[from][node]) {
            const uint32_t before = level(sample, from) + 1;
            longest = before > longest ? before : longest;
        }
    }
    return longest;
}

static void check_order(const struct sample *sample, const struct graph_builder *builder)
{
    const struct program_graph *graph = &builder->graph;
    uint32_t longest = 0;
    uint32_t n_roots = 0;
    for (uint32_t turn = 0; turn < sample->n; turn++) {
        const uint32_t node = builder->node_of[turn];
        const uint32_t at = level(sample, node);
        assert_int_equal(builder->turn_of[node], turn);
        n_roots += at == 0;
        longest = at + 1 > longest ? at + 1 : longest;
        if (turn > 0) {
            const uint32_t before = builder->node_of[turn - 1];
            assert_true(level(sample, before) < at || (level(sample, before) == at && before < node));
        }
    }
    assert_int_equal(graph->n_roots, n_roots);
    assert_int_equal(graph->longest, longest);
}

static void check_edges(const struct sample *sample, const struct graph_builder *builder,
                        const struct program_graph *graph)
{
    uint32_t n_edges = 0;
    uint32_t n_sinks = 0;
    for (uint32_t turn = 0; turn < sample->n; turn++) {
        const uint32_t node = builder->node_of[turn];
        uint32_t out = 0;
        uint32_t in = 0;
        for (uint32_t other = 0; other < sample->n; other++) {
            out += sample->edge[node][other];
            in += sample->edge[other][node];
        }
        assert_int_equal(graph->first_edge[turn + 1] - graph->first_edge[turn], out);
        assert_int_equal(graph->first_parent[turn + 1] - graph->first_parent[turn], in);
        for (uint32_t at = graph->first_edge[turn]; at < graph->first_edge[turn + 1]; at++) {
            const uint32_t to = builder->node_of[graph->edges[at].turn];
            assert_true(sample->edge[node][to] && graph->edges[at].turn > turn);
            assert_int_equal(graph->edges[at].delay, sample->delay[node][to]);
        }
        for (uint32_t at = graph->first_parent[turn]; at < graph->first_parent[turn + 1]; at++) {
            const uint32_t from = builder->node_of[graph->parents[at].turn];
            assert_true(sample->edge[from][node]);
            assert_int_equal(graph->parents[at].delay, sample->delay[from][node]);
        }
        n_edges += out;
        n_sinks += out == 0;
    }
    assert_int_equal(graph->n_edges, n_edges);
    assert_int_equal(graph->n_sinks, n_sinks);
}

/* Nodes are drawn in a hidden order that edges follow; their numbers say nothing of it. */
static void draw_sample(struct sample *sample, uint64_t seed)
{
    uint32_t at = 0;
    uint32_t name[MOST];
    *sample = (struct sample){.n = 1 + draw(seed, &at, MOST)};
    for (uint32_t i = 0; i < sample->n; i++) {
        const uint32_t other = draw(seed, &at, i + 1);
        name[i] = name[other];
        name[other] = i;
    }
    const uint32_t density = 1 + draw(seed, &at, 6);
    for (uint32_t to = 1; to < sample->n; to++) {
        for (uint32_t from = 0; from < to; from++) {
            sample->edge[name[from]][name[to]] = draw(seed, &at, 10) < density;
            sample->delay[name[from]][name[to]] = draw(seed, &at, 1000);
        }
    }
}

static void add_all(struct graph_builder *builder, const struct sample *sample)
{
    graph_begin(builder);
    for (uint32_t to = sample->n; to-- > 0;) {
        for (uint32_t from = 0; from < sample->n; from++) {
            if (sample->edge[from][to]) {
                graph_add(builder, from, to, sample->delay[from][to]);
            }
        }
    }
}

static void random_graphs(void **state)
{
    (void)state;
    struct graph_builder builder = {0};
    struct arena arena;
    arena_init(&arena);
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct sample sample;
        uint32_t culprit;
        draw_sample(&sample, seed);
        add_all(&builder, &sample);
        assert_int_equal(graph_finish(&builder, sample.n, &culprit), GRAPH_GOOD);
        check_order(&sample, &builder);
        check_edges(&sample, &builder, &builder.graph);
        check_edges(&sample, &builder, graph_copy(&builder.graph, sample.n, &arena));
    }
    arena_fini(&arena);
    graph_builder_fini(&builder);
}

static void parents_come_in_the_order_of_their_edges(void **state)
{
    (void)state;
    struct graph_builder builder = {0};
    uint32_t culprit;
    graph_begin(&builder);
    graph_add(&builder, 2, 3, 0);
    graph_add(&builder, 0, 3, 0);
    graph_add(&builder, 1, 3, 0);
    assert_int_equal(graph_finish(&builder, 4, &culprit), GRAPH_GOOD);
    assert_int_equal(builder.graph.parents[0].turn, 2);
    assert_int_equal(builder.graph.parents[1].turn, 0);
    assert_int_equal(builder.graph.parents[2].turn, 1);
    graph_builder_fini(&builder);
}

static void an_edge_twice(void **state)
{
    (void)state;
    struct graph_builder builder = {0};
    uint32_t culprit;
    graph_begin(&builder);
    graph_add(&builder, 0, 1, 0);
    graph_add(&builder, 0, 2, 0);
    graph_add(&builder, 1, 2, 0);
    graph_add(&builder, 0, 1, 5);
    assert_int_equal(graph_finish(&builder, 3, &culprit), GRAPH_REPEATS);
    assert_int_equal(culprit, 3);
    graph_builder_fini(&builder);
}

/* Of random graphs with one edge turned back, the node that is named lies on a cycle. */
static void cycles(void **state)
{
    (void)state;
    struct graph_builder builder = {0};
    uint32_t n_cycles = 0;
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct sample sample;
        uint32_t culprit;
        uint32_t at = 1 << 20;
        draw_sample(&sample, seed);
        const uint32_t from = draw(seed, &at, sample.n);
        const uint32_t to = draw(seed, &at, sample.n);
        sample.edge[from][to] = sample.edge[from][to] || from != to;
        bool reached[MOST][MOST];
        memcpy(reached, sample.edge, sizeof reached);
        for (uint32_t k = 0; k < sample.n; k++) {
            for (uint32_t i = 0; i < sample.n; i++) {
                for (uint32_t j = 0; j < sample.n; j++) {
                    reached[i][j] |= reached[i][k] && reached[k][j];
                }
            }
        }
        bool any = false;
        for (uint32_t i = 0; i < sample.n; i++) {
            any |= reached[i][i];
        }
        add_all(&builder, &sample);
        assert_int_equal(graph_finish(&builder, sample.n, &culprit), any ? GRAPH_CYCLES : GRAPH_GOOD);
        assert_true(!any || reached[culprit][culprit]);
        n_cycles += any;
    }
    assert_true(n_cycles > 30 && n_cycles < 270);
    graph_builder_fini(&builder);
}

static void chains_and_gaps(void **state)
{
    (void)state;
    struct graph_builder builder = {0};
    struct turn turns[4];
    uint32_t culprit;
    graph_begin(&builder);
    graph_add(&builder, 1, 0, 30);
    graph_add(&builder, 2, 1, 20);
    assert_int_equal(graph_finish(&builder, 3, &culprit), GRAPH_GOOD);
    assert_true(graph_is_chain(&builder.graph, 3));
    graph_set_gaps(&builder.graph, turns, 3);
    assert_int_equal(turns[0].gap, 20);
    assert_int_equal(turns[1].gap, 30);
    assert_int_equal(turns[2].gap, 0);
    graph_add(&builder, 2, 0, 10); /* past the one between */
    assert_int_equal(graph_finish(&builder, 3, &culprit), GRAPH_GOOD);
    assert_false(graph_is_chain(&builder.graph, 3));
    graph_set_gaps(&builder.graph, turns, 3);
    assert_int_equal(turns[0].gap, 10);
    graph_begin(&builder);
    graph_add(&builder, 0, 1, 0);
    graph_add(&builder, 0, 2, 0);
    assert_int_equal(graph_finish(&builder, 3, &culprit), GRAPH_GOOD);
    assert_false(graph_is_chain(&builder.graph, 3));
    graph_begin(&builder);
    assert_int_equal(graph_finish(&builder, 1, &culprit), GRAPH_GOOD);
    assert_true(graph_is_chain(&builder.graph, 1));
    assert_int_equal(graph_finish(&builder, 2, &culprit), GRAPH_GOOD);
    assert_false(graph_is_chain(&builder.graph, 2));
    graph_builder_fini(&builder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_graphs),   cmocka_unit_test(parents_come_in_the_order_of_their_edges),
        cmocka_unit_test(an_edge_twice),   cmocka_unit_test(cycles),
        cmocka_unit_test(chains_and_gaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
