#include "sim/cluster.h"

#include "options/input_files.h"
#include "sim/cluster_tiers.h"

#include <inttypes.h>

static const struct diag_where nowhere = {0};

static double gib(uint64_t bytes)
{
    return (double)bytes / (double)(UINT64_C(1) << 30);
}

/* Host and link times that the settings override. */
static void apply_overrides(const struct settings *settings, struct device *device)
{
    struct host_time *host = &device->host;
    if (settings->host_exposed != SETTING_UNSET_TIME) {
        host->exposed = settings->host_exposed;
    }
    if (settings->host_exposed_ungraphed != SETTING_UNSET_TIME) {
        host->exposed_ungraphed = settings->host_exposed_ungraphed;
    }
    if (settings->host_hideable != SETTING_UNSET_TIME) {
        host->hideable = settings->host_hideable;
    }
    struct collective_constants *collective = &device->collective;
    if (settings->allreduce_latency != SETTING_UNSET_TIME && settings->allreduce_bandwidth >= 0.0) {
        collective->fitted = true;
        collective->latency_us = (double)settings->allreduce_latency / (double)SIMTIME_US;
        collective->bandwidth_gbs = settings->allreduce_bandwidth / 1e9;
    }
}

/* vLLM's defaults by GPU: API server values for cards of 70 GiB and more, except the A100. */
static void resolve_engine(const struct settings *settings, struct cluster_plan *plan)
{
    const bool small = plan->device.small_defaults;
    const uint64_t seqs = settings->max_num_seqs != SETTING_UNSET_COUNT ? settings->max_num_seqs : (small ? 256 : 1024);
    const uint64_t tokens = settings->max_num_batched_tokens != SETTING_UNSET_COUNT ? settings->max_num_batched_tokens
                                                                                    : (small ? 2048 : 8192);
    const uint64_t graph = settings->max_cudagraph_capture_size != SETTING_UNSET_COUNT
                               ? settings->max_cudagraph_capture_size
                               : (2 * seqs < 512 ? 2 * seqs : 512);
    plan->engine = (struct engine_config){
        .block_size = (uint32_t)settings->block_size,
        .max_num_seqs = (uint32_t)seqs,
        .max_num_batched_tokens = (uint32_t)tokens,
        .long_prefill_token_threshold = (uint32_t)settings->long_prefill_token_threshold,
        .queue_depth = settings->async_scheduling ? 2 : 1,
        .prefix_caching = settings->enable_prefix_caching,
        .logs_decisions = settings->decisions_log,
        .measures_evictions = settings->belady_ratio,
        .chunked_prefill = settings->enable_chunked_prefill,
        .reserve_full_prompt = settings->scheduler_reserve_full_isl,
        .pins_until_needed = settings->pins == SETTING_PINS_UNTIL_NEEDED,
        .host = plan->device.host,
        /* The exact view is of every step end. */
        .stepping = settings->stepping == STEPPING_PLAIN ? ENGINE_PLAIN
                    : settings->stepping == STEPPING_STEADY || settings->router_view == SETTING_VIEW_EXACT
                        ? ENGINE_STEADY
                        : ENGINE_FAST_FORWARD,
        .telemetry_period = settings->router_telemetry_period,
    };
    plan->engine.host.max_graph_tokens = (uint32_t)graph;
}

/* Blocks of the pool: as given, or what memory leaves. */
static asim_status resolve_pool(const struct settings *settings, struct cluster_plan *plan, struct diag *diag)
{
    const uint32_t block_size = plan->engine.block_size;
    uint64_t blocks;
    plan->fit = memory_fit(&plan->device, &plan->model, plan->tensor_parallel, settings->gpu_memory_utilization,
                           block_size, plan->engine.max_num_batched_tokens);
    if (settings->num_gpu_blocks_override != SETTING_UNSET_COUNT) {
        blocks = settings->num_gpu_blocks_override;
        plan->pool_source = "num_gpu_blocks_override";
    } else if (settings->kv_pool_tokens != SETTING_UNSET_COUNT) {
        blocks = (settings->kv_pool_tokens + block_size - 1) / block_size + 1; /* one is the null block */
        plan->pool_source = "kv_pool_tokens";
    } else {
        blocks = plan->fit.n_blocks;
        plan->pool_source = "memory";
        if (blocks < 2) {
            return diag_error(
                diag, ASIM_INFEASIBLE, nowhere,
                "%s does not fit on %s with tensor_parallel_size = %" PRIu32 ": %.1f GiB of weights and %.1f GiB of "
                "activations a GPU leave no room for KV in %.0f %% of %.1f GiB; raise tensor_parallel_size or "
                "gpu_memory_utilization, or choose a larger GPU",
                plan->model.name, plan->device.name, plan->tensor_parallel, gib(plan->fit.weight_bytes),
                gib(plan->fit.activation_bytes), 100.0 * settings->gpu_memory_utilization,
                gib(plan->device.memory_bytes));
        }
    }
    if (blocks < 2 || blocks > UINT32_MAX / 2) {
        return diag_error(diag, ASIM_USAGE, nowhere, "%s: %" PRIu64 " blocks; allowed: 2 to %u", plan->pool_source,
                          blocks, UINT32_MAX / 2);
    }
    plan->engine.n_blocks = (uint32_t)blocks;
    plan->engine.watermark_blocks = (uint32_t)(settings->watermark * (double)blocks);
    return ASIM_OK;
}

static asim_status resolve_length(const struct settings *settings, struct cluster_plan *plan, struct diag *diag)
{
    const uint64_t pool_tokens = (uint64_t)(plan->engine.n_blocks - 1) * plan->engine.block_size;
    uint64_t length = plan->model.max_position;
    if (settings->max_model_len == SETTING_UNSET_COUNT) {
        if (length > pool_tokens) {
            diag_warning(diag, nowhere,
                         "max_model_len is %" PRIu64 ": the KV pool holds that much, less than the model's %" PRIu64,
                         pool_tokens, length);
            length = pool_tokens;
        }
    } else {
        length = settings->max_model_len;
        if (length > plan->model.max_position) {
            diag_warning(diag, nowhere, "max_model_len = %" PRIu64 " is beyond the %" PRIu32 " tokens of %s", length,
                         plan->model.max_position, plan->model.name);
        }
        if (length > pool_tokens) {
            return diag_error(diag, ASIM_INFEASIBLE, nowhere,
                              "max_model_len = %" PRIu64 " does not fit: the KV pool (from %s) holds %" PRIu64
                              " tokens; lower max_model_len or make room for KV",
                              length, plan->pool_source, pool_tokens);
        }
    }
    plan->engine.max_model_len = (uint32_t)length;
    if (!plan->engine.chunked_prefill && plan->engine.max_num_batched_tokens < length) {
        return diag_error(diag, ASIM_USAGE, nowhere,
                          "enable_chunked_prefill = off needs max_num_batched_tokens (%" PRIu32
                          ") of at least max_model_len (%" PRIu64 ")",
                          plan->engine.max_num_batched_tokens, length);
    }
    return ASIM_OK;
}

asim_status cluster_plan(const struct settings *settings, struct cluster_plan *plan, struct diag *diag)
{
    *plan = (struct cluster_plan){.tensor_parallel = (uint32_t)settings->tensor_parallel_size,
                                  .n_instances = (uint32_t)settings->instances};
    const asim_status device = device_load(settings->hardware, &plan->device, diag);
    const asim_status model = model_load(settings->model, &plan->model, diag);
    if (device != ASIM_OK || model != ASIM_OK) {
        return device != ASIM_OK ? device : model;
    }
    plan->profile_dir = input_profile(settings->compute);
    apply_overrides(settings, &plan->device);
    resolve_engine(settings, plan);
    const asim_status pool = resolve_pool(settings, plan, diag);
    const asim_status length = pool != ASIM_OK ? pool : resolve_length(settings, plan, diag);
    return length != ASIM_OK ? length : cluster_resolve_tiers(settings, plan, diag);
}
