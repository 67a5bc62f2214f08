#include "support/support.h"

#include "api/config.h"
#include "sim/cluster.h"

#include <string.h>

struct fixture {
    asim_config *config;
    struct diag diag;
    struct cluster_plan plan;
};

/* Plans for the defaults with `pairs` of options and values, NULL at the end. */
static asim_status plan(struct fixture *fixture, const char *const *pairs)
{
    fixture->config = asim_config_create();
    diag_init(&fixture->diag);
    assert_int_equal(asim_config_set(fixture->config, "generate", "swe-agent"), ASIM_OK);
    assert_int_equal(asim_config_set(fixture->config, "arrivals", "zero"), ASIM_OK);
    for (; *pairs; pairs += 2) {
        assert_int_equal(asim_config_set(fixture->config, pairs[0], pairs[1]), ASIM_OK);
    }
    if (asim_config_resolve(fixture->config) != ASIM_OK) {
        fail_msg("%s", asim_config_message(fixture->config, 0, NULL));
    }
    return cluster_plan(config_settings(fixture->config), &fixture->plan, &fixture->diag);
}

#define PLAN(...)               PLAN_TEXT(__VA_ARGS__, NULL)
#define PLAN_TEXT(FIXTURE, ...) plan(FIXTURE, (const char *const[]){__VA_ARGS__})

static void done(struct fixture *fixture)
{
    diag_fini(&fixture->diag);
    asim_config_destroy(fixture->config);
}

static bool says(const struct fixture *fixture, const char *words)
{
    for (size_t i = 0; i < fixture->diag.n_entries; i++) {
        if (strstr(fixture->diag.entries[i].text, words)) {
            return true;
        }
    }
    return false;
}

/* vLLM's defaults: 1024 sequences and 8192 tokens on large cards, 256 and 2048 on small ones and the A100. */
static void defaults_by_gpu(void **state)
{
    (void)state;
    struct fixture f;
    assert_int_equal(PLAN(&f, "hardware", "h100-sxm"), ASIM_OK);
    assert_int_equal(f.plan.engine.max_num_seqs, 1024);
    assert_int_equal(f.plan.engine.max_num_batched_tokens, 8192);
    assert_int_equal(f.plan.engine.host.max_graph_tokens, 512);
    assert_int_equal(f.plan.engine.queue_depth, 2);
    assert_true(f.plan.engine.reserve_full_prompt);
    assert_string_equal(f.plan.pool_source, "memory");
    assert_int_equal(f.plan.engine.n_blocks, f.plan.fit.n_blocks);
    assert_int_equal(f.plan.engine.max_model_len, 131072);
    done(&f);
    assert_int_equal(PLAN(&f, "hardware", "a100-sxm", "engine", "vllm-0.10.2", "max_num_seqs", "100"), ASIM_OK);
    assert_int_equal(f.plan.engine.max_num_batched_tokens, 2048);
    assert_int_equal(f.plan.engine.host.max_graph_tokens, 200);
    assert_int_equal(f.plan.engine.queue_depth, 1);
    assert_false(f.plan.engine.reserve_full_prompt);
    done(&f);
    assert_int_equal(PLAN(&f, "hardware", "a100-sxm", "max_cudagraph_capture_size", "64"), ASIM_OK);
    assert_int_equal(f.plan.engine.max_num_seqs, 256);
    assert_int_equal(f.plan.engine.host.max_graph_tokens, 64);
    done(&f);
}

static void host_and_link_times_as_given(void **state)
{
    (void)state;
    struct fixture f;
    assert_int_equal(PLAN(&f, "host.exposed", "1ms", "host.exposed_ungraphed", "2ms", "host.hideable", "3ms",
                          "allreduce.latency", "5us", "allreduce.bandwidth", "20GB/s"),
                     ASIM_OK);
    assert_int_equal(f.plan.engine.host.exposed, SIMTIME_MS);
    assert_int_equal(f.plan.engine.host.exposed_ungraphed, 2 * SIMTIME_MS);
    assert_int_equal(f.plan.engine.host.hideable, 3 * SIMTIME_MS);
    assert_true(f.plan.device.collective.fitted);
    assert_true(f.plan.device.collective.latency_us == 5.0);
    assert_true(f.plan.device.collective.bandwidth_gbs == 20.0);
    done(&f);
}

static void the_pool_as_given(void **state)
{
    (void)state;
    struct fixture f;
    assert_int_equal(PLAN(&f, "num_gpu_blocks_override", "101", "watermark", "0.05"), ASIM_OK);
    assert_string_equal(f.plan.pool_source, "num_gpu_blocks_override");
    assert_int_equal(f.plan.engine.n_blocks, 101);
    assert_int_equal(f.plan.engine.watermark_blocks, 5);
    assert_int_equal(f.plan.engine.max_model_len, 1600); /* what 100 usable blocks hold */
    assert_true(says(&f, "1600"));
    done(&f);
    assert_int_equal(PLAN(&f, "kv_pool_tokens", "1600", "max_model_len", "1600"), ASIM_OK);
    assert_string_equal(f.plan.pool_source, "kv_pool_tokens");
    assert_int_equal(f.plan.engine.n_blocks, 101);
    assert_int_equal(f.plan.engine.max_model_len, 1600);
    assert_int_equal(f.diag.n_entries, 0);
    done(&f);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct fixture f;
    assert_int_equal(PLAN(&f, "num_gpu_blocks_override", "1"), ASIM_USAGE);
    assert_true(says(&f, "num_gpu_blocks_override: 1 blocks"));
    done(&f);
    assert_int_equal(PLAN(&f, "model", "llama-3.1-70b"), ASIM_INFEASIBLE);
    assert_true(says(&f, "tensor_parallel_size"));
    done(&f);
    assert_int_equal(PLAN(&f, "model", "llama-3.1-70b", "tensor_parallel_size", "4"), ASIM_OK);
    assert_int_equal(f.plan.tensor_parallel, 4);
    done(&f);
    assert_int_equal(PLAN(&f, "kv_pool_tokens", "1600", "max_model_len", "1601"), ASIM_INFEASIBLE);
    assert_true(says(&f, "1600"));
    done(&f);
    assert_int_equal(PLAN(&f, "max_model_len", "150000"), ASIM_OK);
    assert_true(says(&f, "131072"));
    done(&f);
    assert_int_equal(PLAN(&f, "enable_chunked_prefill", "off", "max_model_len", "8193"), ASIM_USAGE);
    assert_true(says(&f, "max_num_batched_tokens (8192)"));
    done(&f);
    assert_int_equal(PLAN(&f, "enable_chunked_prefill", "off", "max_model_len", "8192"), ASIM_OK);
    done(&f);
    assert_int_equal(PLAN(&f, "model", "no-such", "hardware", "no-such-either"), ASIM_USAGE);
    assert_true(says(&f, "'no-such'") && says(&f, "no-such-either"));
    done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_by_gpu),
        cmocka_unit_test(host_and_link_times_as_given),
        cmocka_unit_test(the_pool_as_given),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
