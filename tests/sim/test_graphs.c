/* Whole runs of programs that are graphs, beside those that random scenarios cover. */
#include "support/support.h"

#include "sim/run_serial.h"
#include "sim/run_windows.h"
#include "sim/small_cluster.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MOST_OPTIONS = 8 };

struct run {
    const char *options[MOST_OPTIONS][2];
    size_t n;
};

static struct digest digest_of(const struct run *run, const char *synchronization, const char *threads)
{
    struct small_cluster small;
    const char *options[MOST_OPTIONS + 2][2];
    memcpy(options, run->options, sizeof run->options);
    options[run->n][0] = "synchronization";
    options[run->n][1] = synchronization;
    options[run->n + 1][0] = "threads";
    options[run->n + 1][1] = threads;
    small_cluster_init(&small, options, run->n + 2);
    const bool serial = strcmp(synchronization, "serial") == 0;
    assert_true(serial ? run_serial(small.cluster, NULL, NULL, &small.diag)
                       : run_windows(small.cluster, small.transport, NULL, NULL, NULL, &small.diag));
    const struct digest digest = recorder_digest(small.cluster->recorders[0]);
    small_cluster_fini(&small);
    return digest;
}

static void assert_same(struct digest a, struct digest b)
{
    assert_true(a.low == b.low && a.high == b.high);
}

static void generated_graphs(void **state)
{
    (void)state;
    static const struct run runs[] = {
        {.options = {{"generate", "lats"}, {"programs", "30"}, {"request_rate", "2/s"}, {"instances", "5"}}, .n = 4},
        {.options = {{"generate", "deep-research"}, {"programs", "40"}, {"max_concurrency", "9"}, {"instances", "3"}},
         .n = 4},
        {.options = {{"generate", "lats"},
                     {"programs", "12"},
                     {"max_concurrency", "4"},
                     {"instances", "6"},
                     {"router.view", "exact"},
                     {"tool_gap", "search=0s"},
                     {"dag.fan_out", "11"}},
         .n = 7},
    };
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        const struct digest digest = digest_of(&runs[i], "serial", "1");
        assert_same(digest, digest_of(&runs[i], "windows", "1"));
        assert_same(digest, digest_of(&runs[i], "windows", "2"));
        assert_same(digest, digest_of(&runs[i], "windows", "3"));
    }
}

static const char *write_file(char path[160], const char *name, const char *text)
{
    snprintf(path, 160, "%s/test_graphs_%ld_%s.jsonl", ASIM_BINARY_FOLDER, (long)getpid(), name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return path;
}

/* A chain that is written as a graph is the chain. */
static void a_graph_that_is_a_chain(void **state)
{
    (void)state;
    static const char chain[] = "{\"session_id\":\"a\",\"arrival_time_ns\":0,\"sub_requests\":["
                                "{\"input_toks\":900,\"output_toks\":30,\"gap_ns\":70000000},{\"input_toks\":1500,"
                                "\"output_toks\":9,\"gap_ns\":5},"
                                "{\"input_toks\":1600,\"output_toks\":4}]}\n";
    static const char dag[] =
        "{\"workflow_id\":\"a\",\"arrival_time_ns\":0,\"nodes\":["
        "{\"node_id\":3,\"input_toks\":1600,\"output_toks\":4},{\"node_id\":2,\"input_toks\":1500,\"output_toks\":9},"
        "{\"node_id\":1,\"input_toks\":900,\"output_toks\":30}],\"edges\":[{\"src\":2,\"dst\":3,\"delay_ns\":5},"
        "{\"src\":1,\"dst\":2,\"delay_ns\":70000000}]}\n";
    char one[160];
    char two[160];
    const struct run as_chain = {.options = {{"workload", write_file(one, "chain", chain)}}, .n = 1};
    const struct run as_dag = {.options = {{"workload", write_file(two, "dag", dag)}}, .n = 1};
    assert_same(digest_of(&as_chain, "windows", "1"), digest_of(&as_dag, "windows", "1"));
    unlink(one);
    unlink(two);
}

static void ranks_are_refused(void **state)
{
    (void)state;
    static const char *const options[][2] = {
        {"generate", "lats"}, {"programs", "3"}, {"arrivals", "zero"}, {"instances", "16"}};
    struct small_cluster small;
    small_cluster_init(&small, options, sizeof options / sizeof options[0]);
    struct diag diag;
    diag_init(&diag);
    assert_null(cluster_create(&small.cluster->settings, 0, 2, &diag));
    assert_non_null(strstr(diag.entries[0].text, "3 programs are DAGs, which 2 ranks cannot share"));
    assert_int_equal(diag.status, ASIM_USAGE);
    diag_fini(&diag);
    small_cluster_fini(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generated_graphs),
        cmocka_unit_test(a_graph_that_is_a_chain),
        cmocka_unit_test(ranks_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
