#include "support/support.h"

#include "options/argv_source.h"
#include "options/environment_source.h"
#include "options/option_value.h"
#include "options/resolve.h"
#include "options/samples.h"
#include "options/yaml_source.h"

#include <stdio.h>
#include <stdlib.h>

struct fixture {
    struct option_sources sources;
    struct resolved resolved;
    struct diag diag;
};

static void begin(struct fixture *f)
{
    option_sources_init(&f->sources);
    diag_init(&f->diag);
}

static void end(struct fixture *f)
{
    option_sources_fini(&f->sources);
    diag_fini(&f->diag);
    resolved_fini(&f->resolved);
}

static void file(struct fixture *f, const char *name, const char *text)
{
    yaml_source_read(&f->sources, RANK_FILE + f->sources.n_files++, name, text, strlen(text), &f->diag);
}

static void set(struct fixture *f, const char *path, const char *text)
{
    assert_int_equal(argv_source_set(&f->sources, path, text, &f->diag), ASIM_OK);
}

static void flag(struct fixture *f, const char *name, const char *text)
{
    assert_int_equal(argv_source_flag(&f->sources, name, text, &f->diag), ASIM_OK);
}

static void environment(struct fixture *f, const char *text)
{
    environment_source_read(&f->sources, (const char *const[]){text, NULL}, &f->diag);
}

static void check_value(const struct fixture *f, const char *path, const char *text, const char *origin)
{
    const size_t row = option_find(path, NAMING_PATH);
    char *found = option_value_format(option_at(row), &f->resolved.settings);
    if (text) {
        assert_non_null(found);
        assert_string_equal(found, text);
    } else {
        assert_null(found);
    }
    assert_string_equal(f->resolved.origins[row], origin);
    mem_free(found);
}

static void check_good(struct fixture *f)
{
    const asim_status status = resolve(&f->sources, &f->resolved, &f->diag);
    assert_string_equal(f->diag.n_entries ? f->diag.entries[0].text : "", "");
    assert_int_equal(status, ASIM_OK);
}

/* Resolving must report exactly `errors`, one a line. */
static void check_errors(struct fixture *f, const char *errors)
{
    assert_int_equal(resolve(&f->sources, &f->resolved, &f->diag), ASIM_USAGE);
    char *found = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&found, &bytes);
    for (size_t i = 0; i < f->diag.n_entries; i++) {
        fprintf(out, "%s\n", f->diag.entries[i].text);
    }
    fclose(out);
    assert_string_equal(found, errors);
    free(found);
}

/* Every subset of the sources that can give an option, given in rising and in falling order: the highest wins. */
static void precedence_matrix(void **state)
{
    (void)state;
    enum { SOURCES = 5 };
    static const char *const values[] = {"11", "12", "13", "14", "15"};
    static const char *const origins[] = {"a.yaml:2", "b.yaml:1", "environment ASIM_MAX_NUM_SEQS", "set",
                                          "--max-num-seqs"};
    for (unsigned subset = 0; subset < 1U << SOURCES; subset++) {
        for (int falling = 0; falling < 2; falling++) {
            struct fixture f;
            begin(&f);
            set(&f, "generate", "swe-agent");
            const char *wanted = NULL;
            const char *origin = "built-in";
            for (int i = 0; i < SOURCES; i++) {
                const int s = falling ? SOURCES - 1 - i : i;
                /* the two files, and the two explicit settings, count in the order made */
                const int source = falling && s < 2 ? 1 - s : falling && s > 2 ? 7 - s : s;
                if (!(subset >> source & 1)) {
                    continue;
                }
                if (source == 0) {
                    file(&f, "a.yaml", "# first\nmax_num_seqs: 11\n");
                } else if (source == 1) {
                    file(&f, "b.yaml", "max_num_seqs: 12\n");
                } else if (source == 2) {
                    environment(&f, "ASIM_MAX_NUM_SEQS=13");
                } else if (source == 3) {
                    set(&f, "max_num_seqs", "14");
                } else {
                    flag(&f, "--max-num-seqs", "15");
                }
            }
            for (int source = 0; source < SOURCES; source++) {
                if (subset >> source & 1) {
                    wanted = values[source];
                    origin = origins[source];
                }
            }
            check_good(&f);
            check_value(&f, "max_num_seqs", wanted, origin);
            end(&f);
        }
    }
}

static void presets(void **state)
{
    (void)state;
    static const struct {
        const char *engine, *reserve, *async, *origin;
    } rows[] = {
        {"vllm-0.10.2", "off", "off", "preset vllm-0.10.2"},
        {"vllm-0.15.1", "off", "on", "preset vllm-0.15.1"},
        {"vllm-0.19", "on", "on", "preset vllm-0.19"},
    };
    for (size_t i = 0; i < 3; i++) {
        struct fixture f;
        begin(&f);
        set(&f, "engine", rows[i].engine);
        check_good(&f);
        check_value(&f, "scheduler_reserve_full_isl", rows[i].reserve, rows[i].origin);
        check_value(&f, "async_scheduling", rows[i].async, rows[i].origin);
        end(&f);
    }
    /* a value that is given, even by a file, is above the preset, even of a command line */
    struct fixture f;
    begin(&f);
    file(&f, "a.yaml", "generate: swe-agent\nasync_scheduling: off\n");
    flag(&f, "--engine", "vllm-0.15.1");
    check_good(&f);
    check_value(&f, "async_scheduling", "off", "a.yaml:2");
    check_value(&f, "scheduler_reserve_full_isl", "off", "preset vllm-0.15.1");
    end(&f);
}

static void embedded_scenario(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    flag(&f, "--instances", "4");
    check_good(&f);
    check_value(&f, "generate", "swe-agent", "embedded scenario");
    check_value(&f, "programs", "50", "embedded scenario");
    check_value(&f, "instances", "4", "--instances");
    check_value(&f, "arrivals", "poisson", "auto: request_rate is given");
    end(&f);

    /* its load gives way to another */
    begin(&f);
    flag(&f, "--max-concurrency", "8");
    check_good(&f);
    check_value(&f, "request_rate", NULL, "replaced by --max-concurrency");
    check_value(&f, "arrivals", "closed", "auto: max_concurrency is given");
    end(&f);

    /* a workload, a generator or a file, from wherever, leaves it out */
    begin(&f);
    environment(&f, "ASIM_WORKLOAD=trace.jsonl");
    check_good(&f);
    check_value(&f, "instances", "1", "built-in");
    check_value(&f, "arrivals", "recorded", "auto: no load is given");
    end(&f);
    begin(&f);
    set(&f, "generate", "swe-agent");
    check_good(&f);
    check_value(&f, "programs", NULL, "built-in");
    end(&f);
    begin(&f);
    file(&f, "a.yaml", "");
    check_errors(&f, "nothing to simulate; give workload (a file) or generate (e.g. swe-agent)\n");
    end(&f);
    begin(&f); /* a workload may be in what could not be read */
    file(&f, "a.yaml", "worklaod: t.jsonl\n");
    assert_int_equal(resolve(&f.sources, &f.resolved, &f.diag), ASIM_OK); /* the file's error is enough */
    assert_int_equal(f.diag.n_errors, 1);
    end(&f);
}

static void exclusive_options(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    file(&f, "a.yaml",
         "workload: t.jsonl\ngenerate: swe-agent\nrequest_rate: 1/s\nmax_concurrency: 4\n"
         "kv_pool_tokens: 1e6\nnum_gpu_blocks_override: 100\n");
    check_errors(&f, "workload (a.yaml:1) and generate (a.yaml:2) exclude each other; give one\n"
                     "num_gpu_blocks_override (a.yaml:6) and kv_pool_tokens (a.yaml:5) exclude each other; give one\n"
                     "request_rate (a.yaml:3) and max_concurrency (a.yaml:4) exclude each other; give one\n");
    end(&f);

    begin(&f);
    file(&f, "a.yaml", "generate: swe-agent\nrequest_rate: 1/s\nkv_pool_tokens: 1e6\n");
    flag(&f, "--workload", "t.jsonl");
    flag(&f, "--max-concurrency", "4");
    environment(&f, "ASIM_NUM_GPU_BLOCKS_OVERRIDE=100");
    check_good(&f);
    check_value(&f, "generate", NULL, "replaced by --workload");
    check_value(&f, "workload", "t.jsonl", "--workload");
    check_value(&f, "kv_pool_tokens", NULL, "replaced by environment ASIM_NUM_GPU_BLOCKS_OVERRIDE");
    end(&f);
}

/* Loads: each pair of arrivals and its number, at the same level and at two. */
static void loads(void **state)
{
    (void)state;
    static const char base[] = "workload: t.jsonl\n";
    static const struct {
        const char *low, *high; /* text of a file, and of one above it */
        const char *arrivals, *rate, *concurrency;
        const char *errors;
    } rows[] = {
        {"request_rate: 2/s", "", "poisson", "2/s", NULL, NULL},
        {"max_concurrency: 4", "", "closed", NULL, "4", NULL},
        {"arrivals: poisson", "request_rate: 2/s", "poisson", "2/s", NULL, NULL},
        {"arrivals: closed", "max_concurrency: 4", "closed", NULL, "4", NULL},
        {"arrivals: auto", "request_rate: 2/s", "poisson", "2/s", NULL, NULL},
        {"arrivals: zero", "", "zero", NULL, NULL, NULL},
        {"arrivals: recorded", "request_rate: 2/s", "poisson", "2/s", NULL, NULL},
        {"request_rate: 2/s", "arrivals: zero", "zero", NULL, NULL, NULL},
        {"max_concurrency: 4", "arrivals: recorded", "recorded", NULL, NULL, NULL},
        {"max_concurrency: 4", "arrivals: auto", "closed", NULL, "4", NULL},
        {"arrivals: poisson\nrequest_rate: 2/s", "max_concurrency: 4", "closed", NULL, "4", NULL},
        {"arrivals: closed\nmax_concurrency: 4", "request_rate: 2/s", "poisson", "2/s", NULL, NULL},
        {"max_concurrency: 4", "arrivals: poisson\nrequest_rate: 2/s", "poisson", "2/s", NULL, NULL},
        {"arrivals: poisson", "", NULL, NULL, NULL, "arrivals: poisson (a.yaml:2) needs request_rate (unset)\n"},
        {"arrivals: closed", "", NULL, NULL, NULL, "arrivals: closed (a.yaml:2) needs max_concurrency (unset)\n"},
        {"request_rate: 2/s", "arrivals: closed", NULL, NULL, NULL,
         "arrivals: closed (b.yaml:1) needs max_concurrency (unset)\n"},
        {"arrivals: zero\nrequest_rate: 2/s", "", NULL, NULL, NULL,
         "arrivals (a.yaml:2) and request_rate (a.yaml:3) exclude each other; give one\n"},
        {"arrivals: poisson\nrequest_rate: 2/s\nmax_concurrency: 4", "", NULL, NULL, NULL,
         "arrivals (a.yaml:2) and max_concurrency (a.yaml:4) exclude each other; give one\n"
         "request_rate (a.yaml:3) and max_concurrency (a.yaml:4) exclude each other; give one\n"},
        {"request_rate: 2/s\nclient_setup: 1s", "", NULL, NULL, NULL,
         "client_setup: 1s (a.yaml:3) is for closed-loop clients; it does not go with arrivals: poisson "
         "(auto: request_rate is given)\n"},
        {"max_concurrency: 2\nclient_setup: 1s", "", "closed", NULL, "2", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char low[256];
        snprintf(low, sizeof low, "%s%s\n", base, rows[i].low);
        struct fixture f;
        begin(&f);
        file(&f, "a.yaml", low);
        file(&f, "b.yaml", rows[i].high);
        if (rows[i].errors) {
            check_errors(&f, rows[i].errors);
        } else {
            check_good(&f);
            const size_t rate = option_find("request_rate", NAMING_PATH);
            const size_t clients = option_find("max_concurrency", NAMING_PATH);
            const size_t arrivals = option_find("arrivals", NAMING_PATH);
            check_value(&f, "arrivals", rows[i].arrivals, f.resolved.origins[arrivals]);
            check_value(&f, "request_rate", rows[i].rate, f.resolved.origins[rate]);
            check_value(&f, "max_concurrency", rows[i].concurrency, f.resolved.origins[clients]);
        }
        end(&f);
    }
}

/* auto is told by the dispatch latency. */
static void synchronization(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    file(&f, "a.yaml", "generate: swe-agent\n");
    check_good(&f);
    check_value(&f, "synchronization", "windows", "auto: dispatch_latency is above 0");
    end(&f);
    begin(&f);
    file(&f, "a.yaml", "generate: swe-agent\nsynchronization: auto\ndispatch_latency: 0\n");
    check_good(&f);
    check_value(&f, "synchronization", "serial", "auto: dispatch_latency is 0");
    end(&f);
    begin(&f);
    file(&f, "a.yaml", "generate: swe-agent\nsynchronization: serial\n");
    check_good(&f);
    check_value(&f, "synchronization", "serial", "a.yaml:2");
    end(&f);
}

static void cross_checks(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    file(&f, "a.yaml",
         "generate: swe-agent\nmax_num_seqs: 512\nmax_num_batched_tokens: 256\nmax_model_len: 1000\n"
         "enable_chunked_prefill: off\nkv_pool_tokens: 8\ndispatch_latency: 0\n");
    flag(&f, "--threads", "2");
    check_errors(&f,
                 "max_num_batched_tokens: 256 (a.yaml:3) is below max_num_seqs: 512 (a.yaml:2)\n"
                 "max_num_batched_tokens: 256 (a.yaml:3) is, without enable_chunked_prefill, below max_model_len: 1000 "
                 "(a.yaml:4)\n"
                 "kv_pool_tokens: 8 (a.yaml:6) is less than one block of block_size: 16 (built-in)\n"
                 "dispatch_latency: 0s (a.yaml:7) leaves no lookahead to run in parallel; it does not go with threads: "
                 "2 (--threads)\n");
    end(&f);

    begin(&f);
    file(&f, "a.yaml", "generate: swe-agent\ndispatch_latency: 0\nsynchronization: windows\n");
    check_errors(&f, "dispatch_latency: 0s (a.yaml:2) leaves windows no length; it does not go with synchronization: "
                     "windows (a.yaml:3)\n");
    end(&f);
    begin(&f);
    file(&f, "a.yaml", "generate: swe-agent\nsynchronization: serial\nthreads: 2\n");
    check_errors(&f, "synchronization: serial (a.yaml:2) uses one thread; it does not go with threads: 2 (a.yaml:3)\n");
    end(&f);

    begin(&f);
    file(&f, "a.yaml", "generate: swe-agent\nbelady_ratio: on\ncheckpoint_every: 10s\nenable_prefix_caching: off\n");
    check_errors(&f, "belady_ratio: on (a.yaml:2) is kept in no checkpoint; it does not go with checkpoint_every: 10s "
                     "(a.yaml:3)\n"
                     "belady_ratio: on (a.yaml:2) is of cached blocks; it does not go with enable_prefix_caching: off "
                     "(a.yaml:4)\n");
    end(&f);

    begin(&f); /* half of a law */
    file(&f, "a.yaml", "generate: swe-agent\nallreduce:\n  bandwidth: 16GB/s\n");
    check_errors(&f, "allreduce.bandwidth: 16GB/s (a.yaml:3) is half of a law; it needs allreduce.latency (unset)\n");
    end(&f);
    begin(&f);
    file(&f, "a.yaml", "generate: swe-agent\nallreduce:\n  bandwidth: 16GB/s\n");
    set(&f, "allreduce.latency", "30us");
    check_good(&f);
    end(&f);

    begin(&f);
    file(&f, "a.yaml", "generate: swe-agent\nwarmup: 10s\nstop_at: 10s\n");
    check_errors(&f, "warmup: 10s (a.yaml:2) leaves nothing to measure before stop_at: 10s (a.yaml:3)\n");
    end(&f);

    /* at the limit, everything is allowed */
    begin(&f);
    file(&f, "a.yaml",
         "generate: swe-agent\nmax_num_seqs: 256\nmax_num_batched_tokens: 256\nmax_model_len: 256\n"
         "enable_chunked_prefill: off\nkv_pool_tokens: 16\ndispatch_latency: 0\n");
    check_good(&f);
    end(&f);
    begin(&f);
    file(&f, "a.yaml",
         "generate: swe-agent\nmax_num_batched_tokens: 256\nmax_model_len: 1000\n"
         "warmup: 9.999s\nstop_at: 10s\n");
    check_good(&f);
    end(&f);
}

/* A bad value is reported where it was read and raises no errors of its own later, while other checks go on. */
static void no_follow_on_errors(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    file(&f, "a.yaml",
         "workload: ''\narrivals: poisson\nrequest_rate: fast\nmax_num_seqs: 8\nmax_num_batched_tokens: 4\n");
    check_errors(
        &f, "a.yaml:1:11: workload: '' is empty; allowed: any path\n"
            "a.yaml:3:15: request_rate: 'fast' is not a rate; allowed: NUMBER/s, NUMBER/min, NUMBER/h, e.g. 0.5/s\n"
            "max_num_batched_tokens: 4 (a.yaml:5) is below max_num_seqs: 8 (a.yaml:4)\n");
    end(&f);
    begin(&f);
    file(&f, "a.yaml", "generate: swe-agent\narrivals: sometimes\nrequest_rate: 1/s\nengine: sglang\n");
    assert_int_equal(f.diag.n_errors, 2);
    assert_int_equal(resolve(&f.sources, &f.resolved, &f.diag), ASIM_OK);
    end(&f);
}

/* Every option by YAML, environment, setting and flag: the same settings. */
static void all_sources_agree(void **state)
{
    (void)state;
    for (int group = 1; group <= 2; group++) {
        struct fixture f[4];
        for (int i = 0; i < 4; i++) {
            begin(&f[i]);
        }
        file(&f[0], "a.yaml", "");
        for (size_t s = 0; s < N_SAMPLES; s++) {
            if (samples[s].set != 0 && samples[s].set != group) {
                continue;
            }
            const size_t row = option_find(samples[s].path, NAMING_PATH);
            assert_true(row < option_count());
            char name[OPTION_NAME_BYTES];
            char text[512];
            char quoted[256];
            char *q = quoted;
            for (const char *c = samples[s].text; *c;
                 c++) { /* YAML single quotes double theirs; a newline is a blank line */
                q += sprintf(q, "%s", *c == '\'' ? "''" : *c == '\n' ? "\n\n " : (char[]){*c, '\0'});
            }
            snprintf(text, sizeof text, "%s: '%s'\n", samples[s].path, quoted);
            yaml_source_read(&f[0].sources, RANK_FILE, "a.yaml", text, strlen(text), &f[0].diag);
            option_name(row, NAMING_ENVIRONMENT, name);
            snprintf(text, sizeof text, "%s=%s", name, samples[s].text);
            environment(&f[1], text);
            set(&f[2], samples[s].path, samples[s].text);
            flag(&f[3], option_at(row)->doc.flag, samples[s].text);
        }
        for (int i = 0; i < 4; i++) {
            check_good(&f[i]);
            assert_null(settings_difference(&f[0].resolved.settings, &f[i].resolved.settings));
        }
        for (size_t s = 0; s < N_SAMPLES; s++) {
            if (samples[s].set == 0 || samples[s].set == group) {
                const size_t row = option_find(samples[s].path, NAMING_PATH);
                assert_memory_equal(f[3].resolved.origins[row], "--", 2);
            }
        }
        for (int i = 0; i < 4; i++) {
            end(&f[i]);
        }
    }
    for (size_t row = 0; row < option_count(); row++) {
        size_t s = 0;
        while (s < N_SAMPLES && strcmp(samples[s].path, option_at(row)->doc.path) != 0) {
            s++;
        }
        assert_true(s < N_SAMPLES); /* a new option needs a sample */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(precedence_matrix),
        cmocka_unit_test(presets),
        cmocka_unit_test(embedded_scenario),
        cmocka_unit_test(exclusive_options),
        cmocka_unit_test(loads),
        cmocka_unit_test(synchronization),
        cmocka_unit_test(cross_checks),
        cmocka_unit_test(no_follow_on_errors),
        cmocka_unit_test(all_sources_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
