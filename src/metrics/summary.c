#include "metrics/summary.h"

#include "base/mem.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void set(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value)) {
        abort(); /* out of memory, or text that is not UTF-8: callers check their texts */
    }
}

static void set_count(json_t *object, const char *key, uint64_t value)
{
    set(object, key, json_integer((json_int_t)value));
}

static void set_real(json_t *object, const char *key, double value)
{
    set(object, key, json_real(value));
}

/* Bytes that are not UTF-8 (a path can hold any) become '?'. */
static json_t *text(const char *value)
{
    if (!value) {
        return json_null();
    }
    json_t *string = json_string(value);
    if (string) {
        return string;
    }
    char *ascii = mem_strdup(value);
    for (char *c = ascii; *c; c++) {
        *c = (unsigned char)*c < 0x80 ? *c : '?';
    }
    string = json_string(ascii);
    mem_free(ascii);
    return string;
}

static json_t *quantities(const struct quantities *q)
{
    const struct {
        const char *key;
        double value;
    } members[] = {{"mean", q->mean}, {"p50", q->p50}, {"p90", q->p90},
                   {"p95", q->p95},   {"p99", q->p99}, {"max", q->max}};
    json_t *object = json_object();
    set_count(object, "n", q->n);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        set(object, members[i].key, q->n ? json_real(members[i].value) : json_null());
    }
    return object;
}

static json_t *simulated(const struct summary_input *in)
{
    json_t *object = json_object();
    set(object, "workload", text(in->workload));
    set(object, "arrivals", text(in->arrivals));
    set(object, "model", text(in->model));
    set(object, "hardware", text(in->hardware));
    set(object, "engine", text(in->engine));
    set(object, "compute", text(in->compute));
    set(object, "retention", text(in->retention));
    set(object, "scheduling", text(in->scheduling));
    set(object, "routing", text(in->routing));
    set(object, "oracle", json_boolean(in->oracle));
    set_count(object, "instances", in->instances);
    set_count(object, "tensor_parallel_size", in->tensor_parallel);
    set_count(object, "seed", in->seed);
    set(object, "assumptions", text(in->assumptions));
    return object;
}

static json_t *programs(const struct summary_input *in)
{
    const struct recorder_summary *r = &in->recorder;
    json_t *object = json_object();
    set_count(object, "total", in->programs_total);
    set_count(object, "completed", r->programs_completed);
    set_count(object, "dropped", in->programs_dropped);
    set_count(object, "truncated", in->programs_truncated);
    set_count(object, "interrupted", in->programs_interrupted);
    set_count(object, "warmup", r->programs_warmup);
    set(object, "jct_s", quantities(&r->program_jct));
    set(object, "tool_s", quantities(&r->program_tool));
    set(object, "queue_s", quantities(&r->program_queue));
    return object;
}

static json_t *turns(const struct summary_input *in)
{
    const struct recorder_summary *r = &in->recorder;
    json_t *object = json_object();
    set_count(object, "completed", r->turns_completed);
    set_count(object, "interrupted", in->turns_interrupted);
    set_count(object, "warmup", r->turns_warmup);
    set_count(object, "length_limited", r->turns_length_limited);
    set(object, "ttft_s", quantities(&r->ttft));
    set(object, "tpot_s", quantities(&r->tpot));
    set(object, "e2e_s", quantities(&r->e2e));
    set(object, "queue_s", quantities(&r->queue));
    return object;
}

static json_t *tokens(const struct recorder_summary *r)
{
    json_t *object = json_object();
    set_count(object, "prompt", r->prompt_toks);
    set_count(object, "generated", r->generated_toks);
    set_count(object, "prefix_hit", r->hit_toks);
    set_count(object, "recomputed", r->recomputed_toks);
    return object;
}

static json_t *kv(const struct summary_input *in)
{
    const struct recorder_summary *r = &in->recorder;
    json_t *object = json_object();
    set_count(object, "blocks_per_instance", in->kv_blocks_per_instance);
    set_count(object, "block_size", in->kv_block_size);
    set(object, "hit_rate", r->prompt_toks ? json_real((double)r->hit_toks / (double)r->prompt_toks) : json_null());
    set_count(object, "preemptions", r->preemptions);
    set_count(object, "evicted_blocks", in->kv_evicted_blocks);
    set_real(object, "peak_use", in->kv_peak_use);
    return object;
}

static json_t *router(const struct summary_input *in)
{
    json_t *object = json_object();
    set_count(object, "affinity_hits", in->router_affinity_hits);
    set_count(object, "breaks", in->router_breaks);
    set_count(object, "cold", in->router_cold);
    return object;
}

static json_t *time_by_bound(const struct summary_input *in)
{
    static const char *const keys[SUMMARY_BOUNDS] = {[BOUND_COMPUTE] = "compute_s",
                                                     [BOUND_HBM] = "hbm_s",
                                                     [BOUND_LINK] = "link_s",
                                                     [BOUND_HOST] = "host_s",
                                                     [BOUND_IDLE] = "idle_s"};
    json_t *object = json_object();
    for (int bound = 0; bound < SUMMARY_BOUNDS; bound++) {
        set_real(object, keys[bound], (double)in->time_ps[bound] / (double)SIMTIME_S);
    }
    return object;
}

char *summary_json(const struct summary_input *in)
{
    char digest[DIGEST_TEXT_BYTES];
    digest_text(&in->digest, digest);
    json_t *root = json_object();
    set(root, "schema", json_string(SUMMARY_SCHEMA));
    set_count(root, "version", SUMMARY_VERSION);
    set(root, "digest", json_string(digest));
    set(root, "interrupted", json_boolean(in->interrupted));
    set(root, "stopped_at_s", in->stopped ? json_real(simtime_to_s(in->stopped_at)) : json_null());
    set(root, "simulated", simulated(in));
    set_real(root, "sim_time_s", simtime_to_s(in->recorder.end));
    set_count(root, "steps", in->steps);
    set_count(root, "events", in->events);
    set(root, "programs", programs(in));
    set(root, "turns", turns(in));
    set(root, "tokens", tokens(&in->recorder));
    set(root, "kv", kv(in));
    set(root, "router", router(in));
    set(root, "time", time_by_bound(in));
    set(root, "percentiles", json_string(in->recorder.sketched ? "histogram" : "exact"));
    /* Copied, so that the caller frees it like any other memory of the library. */
    char *dumped = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    json_decref(root);
    if (!dumped) {
        abort(); /* a number that is not finite: a defect of the caller */
    }
    char *out = mem_strdup(dumped);
    free(dumped);
    return out;
}
