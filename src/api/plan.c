#include "api/config.h"
#include "api/document.h"
#include "asim/asim.h"
#include "sim/cluster.h"

static json_t *memory_document(const struct cluster_plan *plan, const struct settings *settings)
{
    const uint64_t usable = (uint64_t)(plan->engine.n_blocks - 1) * plan->engine.block_size;
    return json_pack("{s:I, s:f, s:I, s:I, s:I, s:s, s:I, s:I, s:I}", "gpu_bytes",
                     (json_int_t)plan->device.memory_bytes, "utilization", settings->gpu_memory_utilization,
                     "weights_bytes", (json_int_t)plan->fit.weight_bytes, "activations_bytes",
                     (json_int_t)plan->fit.activation_bytes, "kv_bytes",
                     (json_int_t)((uint64_t)plan->engine.n_blocks * plan->fit.block_bytes), "kv_pool_from",
                     plan->pool_source, "kv_blocks", (json_int_t)plan->engine.n_blocks, "kv_block_bytes",
                     (json_int_t)plan->fit.block_bytes, "kv_tokens", (json_int_t)usable);
}

/* Below HBM; of each group of instances that share them. */
static json_t *tiers_document(const struct cluster_plan *plan)
{
    const struct tier_plan *tiers = &plan->tiers;
    json_t *document = json_array();
    for (uint32_t i = 0; i < tiers->n_tiers; i++) {
        const struct tier_spec *tier = &tiers->tiers[i];
        json_array_append_new(document,
                              json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:f}", "tier", tier->name, "replacement",
                                        tier->has_arc ? "arc" : "lru", "instances", (json_int_t)tier_sharers(tiers, i),
                                        "kv_blocks", (json_int_t)tier->n_blocks, "kv_tokens",
                                        (json_int_t)tier->n_blocks * plan->engine.block_size, "read_bytes_per_s",
                                        (json_int_t)tier->read_bandwidth, "write_bytes_per_s",
                                        (json_int_t)tier->write_bandwidth, "load_of_10k_tokens_s",
                                        simtime_to_s(tier_load_time(tiers, i, 10000 / plan->engine.block_size))));
    }
    return document;
}

static json_t *engine_document(const struct engine_config *engine)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:b, s:b, s:b, s:I, s:f, s:f, s:f}", "max_model_len",
                     (json_int_t)engine->max_model_len, "max_num_seqs", (json_int_t)engine->max_num_seqs,
                     "max_num_batched_tokens", (json_int_t)engine->max_num_batched_tokens, "batch_queue_depth",
                     (json_int_t)engine->queue_depth, "enable_prefix_caching", engine->prefix_caching,
                     "enable_chunked_prefill", engine->chunked_prefill, "scheduler_reserve_full_isl",
                     engine->reserve_full_prompt, "max_cudagraph_capture_size",
                     (json_int_t)engine->host.max_graph_tokens, "host_exposed_s", simtime_to_s(engine->host.exposed),
                     "host_exposed_ungraphed_s", simtime_to_s(engine->host.exposed_ungraphed), "host_hideable_s",
                     simtime_to_s(engine->host.hideable));
}

/* Of programs that are graphs; none without any. */
static void add_graphs(json_t *document, json_int_t programs, json_int_t edges, json_int_t longest)
{
    if (programs) {
        json_object_set_new(document, "dag_programs", json_integer(programs));
        json_object_set_new(document, "dag_edges", json_integer(edges));
        json_object_set_new(document, "dag_longest_path_turns", json_integer(longest));
    }
}

/* Sums over the workload, and how many programs a prompt too long would stop; NULL when a program cannot be fetched. */
static json_t *work_document(struct workload *workload, const struct cluster_plan *plan)
{
    const uint64_t n_programs = workload_stats(workload)->n_programs;
    json_int_t turns = 0;
    json_int_t prompt = 0;
    json_int_t reused = 0;
    json_int_t output = 0;
    json_int_t long_programs = 0;
    json_int_t graphs = 0;
    json_int_t edges = 0;
    json_int_t longest = 0;
    for (uint64_t id = 0; id < n_programs; id++) {
        const struct program *program = workload_fetch(workload, id, 0);
        if (!program) {
            return NULL;
        }
        bool too_long = false;
        for (uint32_t i = 0; i < program->n_turns; i++) {
            const struct turn *turn = &program->turns[i];
            turns++;
            prompt += turn->prompt_toks;
            reused += turn->kept_toks;
            output += turn->output_toks;
            too_long = too_long || (uint64_t)turn->prompt_toks + (turn->output_toks > 0) > plan->engine.max_model_len;
        }
        long_programs += too_long;
        graphs += program->graph != NULL;
        edges += program->graph ? program->graph->n_edges : 0;
        longest = program->graph && program->graph->longest > longest ? program->graph->longest : longest;
        workload_release(workload, program, 0);
    }
    json_t *document =
        json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "format", workload_stats(workload)->format, "programs",
                  (json_int_t)n_programs, "turns", turns, "prompt_tokens", prompt, "prompt_tokens_kept_from_context",
                  reused, "output_tokens", output, "programs_beyond_max_model_len", long_programs);
    add_graphs(document, graphs, edges, longest);
    return document;
}

/* NULL, with errors, when they cannot be opened. */
static json_t *policies_document(const struct settings *settings, struct diag *diag)
{
    struct policy_set set;
    if (!cluster_open_policies(settings, &set, diag)) {
        return NULL;
    }
    json_t *document = json_pack("{s:s, s:s, s:s, s:b}", "retention", set.retention.policy->name, "scheduling",
                                 set.scheduling.policy->name, "routing", set.routing.policy->name, "oracle",
                                 policy_set_has_oracle(&set));
    policy_set_close(&set);
    return document;
}

asim_status asim_plan(asim_config *config, char **out)
{
    *out = NULL;
    const struct settings *settings = config_settings(config);
    if (!settings) {
        return ASIM_USAGE;
    }
    struct diag *diag = config_diag(config);
    config_warn_unused(config, diag);
    json_t *policies = policies_document(settings, diag);
    if (!policies) {
        return diag->status;
    }
    struct cluster_plan plan;
    const asim_status status = cluster_plan(settings, &plan, diag);
    if (status != ASIM_OK) {
        json_decref(policies);
        return status;
    }
    const struct workload_options options = cluster_workload_options(settings, plan.engine.block_size, false);
    struct workload *workload = cluster_open_workload(settings, &options, diag);
    json_t *work = workload ? work_document(workload, &plan) : NULL;
    if (work) {
        json_t *tiers = plan.tiers.n_tiers ? tiers_document(&plan) : NULL; /* left out when there are none */
        *out = document_text(
            json_pack("{s:s, s:i, s:s, s:s, s:s, s:I, s:I, s:O, s:o, s:o*, s:o, s:o, s:s}", "schema", "asim.plan",
                      "version", 1, "model", plan.model.name, "hardware", plan.device.name, "compute",
                      settings->compute, "instances", (json_int_t)plan.n_instances, "tensor_parallel_size",
                      (json_int_t)plan.tensor_parallel, "policies", policies, "memory_per_gpu",
                      memory_document(&plan, settings), "tiers", tiers, "engine", engine_document(&plan.engine),
                      "workload", work, "calibration", plan.device.calibration),
            DOCUMENT_DIGITS);
    }
    json_decref(policies);
    if (workload) {
        workload_destroy(workload);
    }
    return work ? ASIM_OK : diag->status;
}
