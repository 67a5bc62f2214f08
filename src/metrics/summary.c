#include "metrics/summary.h"

#include "base/mem.h"
#include "metrics/summary_members.h"

#include <string.h>

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
    set(object, "token_latency_s", quantities(&r->token_latency));
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
    set(object, "itl_s", quantities(&r->itl));
    set(object, "e2e_s", quantities(&r->e2e));
    set(object, "queue_s", quantities(&r->queue));
    return object;
}

/* Where the tokens of prompts came from when their turns were first admitted. */
static json_t *sources(const struct summary_input *in)
{
    const struct recorder_summary *r = &in->recorder;
    const uint64_t lost = r->kept_toks - r->kept_hit_toks;
    uint64_t loaded = 0;
    json_t *object = json_object();
    for (uint32_t tier = 0; in->tiers && tier < in->tiers->n_tiers; tier++) {
        loaded += r->loaded_toks[tier];
    }
    set_count(object, "hbm", r->hit_toks - loaded);
    for (uint32_t tier = 0; in->tiers && tier < in->tiers->n_tiers; tier++) {
        set_count(object, in->tiers->names[tier], r->loaded_toks[tier]);
    }
    set_count(object, "lost", lost);
    set_count(object, "cold", r->prompt_toks - r->hit_toks - lost);
    return object;
}

static json_t *tokens(const struct summary_input *in)
{
    const struct recorder_summary *r = &in->recorder;
    json_t *object = json_object();
    set_count(object, "prompt", r->prompt_toks);
    set_count(object, "generated", r->generated_toks);
    set_count(object, "prefix_hit", r->hit_toks);
    set_count(object, "recomputed", r->recomputed_toks);
    set_count(object, "eligible", r->kept_toks);
    set_count(object, "eligible_hit", r->kept_hit_toks);
    set(object, "by_source", sources(in));
    set_share(object, "prefill_amplification", (double)(r->prompt_toks - r->hit_toks + r->recomputed_toks),
              (double)(r->prompt_toks - r->kept_toks));
    return object;
}

static json_t *belady(const struct summary_belady *in)
{
    json_t *object = json_object();
    set_count(object, "accesses", in->accesses);
    set_count(object, "misses", in->misses);
    set_count(object, "compulsory_misses", in->compulsory);
    set_count(object, "optimal_misses", in->optimal);
    set_share(object, "ratio", (double)in->misses, (double)in->optimal);
    set_share(object, "largest_ratio", in->largest_ratio, in->optimal ? 1.0 : 0.0);
    return object;
}

static json_t *kv(const struct summary_input *in)
{
    const struct recorder_summary *r = &in->recorder;
    json_t *object = json_object();
    set_count(object, "blocks_per_instance", in->kv_blocks_per_instance);
    set_count(object, "block_size", in->kv_block_size);
    set_share(object, "hit_rate", (double)r->hit_toks, (double)r->prompt_toks);
    set_share(object, "eligible_hit_rate", (double)r->kept_hit_toks, (double)r->kept_toks);
    set_count(object, "preemptions", r->preemptions);
    set_count(object, "evicted_blocks", in->kv_evicted_blocks);
    set_real(object, "peak_use", in->kv_peak_use);
    if (in->belady) {
        set(object, "belady", belady(in->belady));
    }
    return object;
}

static json_t *router(const struct summary_input *in)
{
    json_t *object = json_object();
    set_count(object, "affinity_hits", in->router_affinity_hits);
    set_count(object, "breaks", in->router_breaks);
    set_count(object, "cold", in->router_cold);
    if (in->router_held || in->router_moved) {
        set_count(object, "held", in->router_held);
        set_count(object, "moved", in->router_moved);
    }
    if (in->kv_blocks_sent) {
        json_t *moved = json_object();
        set_count(moved, "sent_bytes", in->kv_blocks_sent * in->kv_block_bytes);
        set_count(moved, "taken_bytes", in->kv_blocks_taken * in->kv_block_bytes);
        set_count(moved, "refused_bytes", in->kv_blocks_refused * in->kv_block_bytes);
        set(object, "moved_kv", moved);
    }
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

/* Whether work is spread evenly over instances, and service over tenants or programs. */
static json_t *balance(const struct summary_input *in)
{
    const struct fairness_index *index = &in->recorder.fairness;
    unsigned __int128 busy = 0;
    for (int bound = 0; bound < SUMMARY_BOUNDS; bound++) {
        busy += bound == BOUND_IDLE ? 0 : in->time_ps[bound];
    }
    json_t *object = json_object();
    set_share(object, "busiest_instance", (double)in->longest_busy * (double)in->instances, (double)busy);
    set(object, "jain_of", json_string(index->of_tenants ? "tenants" : "programs"));
    set_count(object, "jain_n", index->n);
    set_share(object, "jain", index->value, index->n ? 1.0 : 0.0);
    return object;
}

/* What was within the service levels, over the time that is measured; deadlines are programs' own. */
static json_t *slo(const struct summary_input *in)
{
    const struct recorder_summary *r = &in->recorder;
    const struct service_levels *levels = &in->slo;
    const double seconds = r->end > in->warmup ? simtime_to_s(r->end - in->warmup) : 0.0;
    json_t *object = json_object();
    set(object, "ttft_s", levels->ttft ? json_real(simtime_to_s(levels->ttft)) : json_null());
    set(object, "tpot_s", levels->tpot ? json_real(simtime_to_s(levels->tpot)) : json_null());
    set(object, "jct_s", levels->jct ? json_real(simtime_to_s(levels->jct)) : json_null());
    set_count(object, "turns_within", r->turns_within);
    set_share(object, "turns_share", (double)r->turns_within, (double)(r->turns_completed - r->turns_warmup));
    set_share(object, "turns_per_s", (double)r->turns_within, seconds);
    set_count(object, "programs_within", r->programs_within);
    set_share(object, "programs_share", (double)r->programs_within,
              (double)(r->programs_completed - r->programs_warmup));
    set_share(object, "programs_per_s", (double)r->programs_within, seconds);
    set_count(object, "deadlines", r->programs_due);
    set_count(object, "deadlines_met", r->programs_in_time);
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
    set(root, "tokens", tokens(in));
    set(root, "kv", kv(in));
    set(root, "router", router(in));
    set(root, "time", time_by_bound(in));
    set(root, "balance", balance(in));
    if (in->slo.ttft || in->slo.tpot || in->slo.jct || in->recorder.programs_due) {
        set(root, "slo", slo(in));
    }
    if (in->decisions) {
        set(root, "decisions", summary_decisions_json(in));
    }
    if (in->tiers) {
        set(root, "tiers", summary_tiers_json(in));
    }
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
