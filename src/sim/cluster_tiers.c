#include "sim/cluster_tiers.h"

#include <inttypes.h>

static const struct diag_where nowhere = {0};

static uint64_t bandwidth_or(double given, uint64_t hardware)
{
    return given >= 0.0 ? (uint64_t)given : hardware;
}

static asim_status add_tier(struct cluster_plan *plan, const char *option, double bytes, struct tier_spec spec,
                            struct diag *diag)
{
    struct tier_plan *tiers = &plan->tiers;
    if (bytes < 0.0) {
        return ASIM_OK;
    }
    const uint64_t blocks = (uint64_t)bytes / tiers->block_bytes;
    if (blocks < 1 || blocks > UINT32_MAX / 2) {
        return diag_error(diag, ASIM_USAGE, nowhere,
                          "%s: %.0f bytes are %" PRIu64 " KV blocks of %" PRIu64 " bytes; allowed: 1 to %u blocks",
                          option, bytes, blocks, tiers->block_bytes, UINT32_MAX / 2);
    }
    spec.n_blocks = (uint32_t)blocks;
    tiers->tiers[tiers->n_tiers++] = spec;
    return ASIM_OK;
}

static asim_status add_tiers(const struct settings *settings, struct cluster_plan *plan, struct diag *diag)
{
    const struct link_constants *links = &plan->device.links;
    const uint64_t dram = bandwidth_or(settings->tier_dram_bandwidth, links->host_memory);
    const uint64_t cxl = bandwidth_or(settings->tier_cxl_bandwidth, links->cxl);
    const struct {
        const char *option;
        double bytes;
        struct tier_spec spec;
    } tiers[MAX_TIERS] = {
        {"tiers.dram",
         settings->tier_dram,
         {.name = "dram",
          .read_bandwidth = dram,
          .write_bandwidth = dram,
          .has_arc = settings->tier_dram_replacement == SETTING_REPLACEMENT_ARC}},
        {"tiers.cxl",
         settings->tier_cxl,
         {.name = "cxl",
          .read_bandwidth = cxl,
          .write_bandwidth = cxl,
          .latency = links->cxl_start,
          .is_pooled = plan->tiers.node_instances > plan->tiers.host_instances}},
        {"tiers.nvme",
         settings->tier_nvme,
         {.name = "nvme",
          .read_bandwidth = bandwidth_or(settings->tier_nvme_read_bandwidth, links->nvme_read),
          .write_bandwidth = bandwidth_or(settings->tier_nvme_write_bandwidth, links->nvme_write),
          .is_duplex = true,
          .latency = links->nvme_start}},
    };
    for (size_t i = 0; i < MAX_TIERS; i++) {
        const asim_status added = add_tier(plan, tiers[i].option, tiers[i].bytes, tiers[i].spec, diag);
        if (added != ASIM_OK) {
            return added;
        }
    }
    return ASIM_OK;
}

/* NVMe is HiCache's storage where something lies above it. */
static void resolve_storage(const struct settings *settings, struct tier_plan *tiers, bool is_hicache)
{
    static const enum raise_stop stops[] = {[SETTING_PREFETCH_BEST_EFFORT] = RAISE_BEST_EFFORT,
                                            [SETTING_PREFETCH_WAIT] = RAISE_WAIT,
                                            [SETTING_PREFETCH_TIMEOUT] = RAISE_TIMEOUT};
    const uint64_t least = settings->offload_prefetch_threshold;
    const bool has_storage = is_hicache && settings->tier_nvme >= 0.0 && tiers->n_tiers > 1;
    tiers->storage = has_storage ? tiers->n_tiers - 1 : tiers->n_tiers;
    tiers->least_raise_toks = least < UINT32_MAX ? (uint32_t)least : UINT32_MAX;
    tiers->raise_stop = stops[settings->offload_prefetch_stop];
    tiers->raise_timeout = settings->offload_prefetch_timeout;
    tiers->raise_timeout_per_ktok = settings->offload_prefetch_timeout_per_ktok;
}

static asim_status resolve_engine(const struct settings *settings, struct cluster_plan *plan, struct diag *diag)
{
    static const enum offload_engine engines[] = {
        [SETTING_OFFLOAD_POLICY] = OFFLOAD_BY_POLICY,
        [SETTING_OFFLOAD_VLLM] = OFFLOAD_WRITE_THROUGH,
        [SETTING_OFFLOAD_LMCACHE] = OFFLOAD_PROMPTS,
        [SETTING_OFFLOAD_HICACHE_THROUGH] = OFFLOAD_FIRST_HIT,
        [SETTING_OFFLOAD_HICACHE_SELECTIVE] = OFFLOAD_SECOND_HIT,
        [SETTING_OFFLOAD_HICACHE_BACK] = OFFLOAD_WRITE_BACK,
    };
    enum { LMCACHE_CHUNK = 256, HICACHE_LEAST_LOAD = 10 };
    struct tier_plan *tiers = &plan->tiers;
    const uint32_t block = plan->engine.block_size;
    const uint64_t chunk = settings->offload_chunk != SETTING_UNSET_COUNT        ? settings->offload_chunk
                           : settings->offload_engine == SETTING_OFFLOAD_LMCACHE ? LMCACHE_CHUNK
                                                                                 : block;
    if (chunk % block) {
        return diag_error(diag, ASIM_USAGE, nowhere,
                          "offload.chunk = %" PRIu64 " tokens; allowed: a multiple of block_size (%" PRIu32 ")", chunk,
                          block);
    }
    tiers->engine = engines[settings->offload_engine];
    tiers->chunk_blocks = (uint32_t)chunk / block;
    const bool is_hicache = settings->offload_engine >= SETTING_OFFLOAD_HICACHE_THROUGH;
    const uint64_t quota = settings->offload_load_quota;
    tiers->least_load_toks = is_hicache ? HICACHE_LEAST_LOAD : 1;
    tiers->most_load_toks = quota < UINT32_MAX ? (uint32_t)quota : UINT32_MAX; /* unset: beyond */
    tiers->loads_into_room = is_hicache;
    resolve_storage(settings, tiers, is_hicache);
    tiers->between_steps = settings->offload_overlap == SETTING_OVERLAP_SAME_STREAM;
    return ASIM_OK;
}

asim_status cluster_resolve_tiers(const struct settings *settings, struct cluster_plan *plan, struct diag *diag)
{
    const struct link_constants *links = &plan->device.links;
    struct tier_plan *tiers = &plan->tiers;
    const uint64_t gpus = plan->tensor_parallel;
    const bool has_pool = settings->tier_cxl >= 0.0 && settings->tier_cxl_sharing != SETTING_UNSET_COUNT;
    *tiers = (struct tier_plan){
        .out_bandwidth = gpus * bandwidth_or(settings->tier_host_link, links->pcie_up),
        .in_bandwidth = gpus * bandwidth_or(settings->tier_host_link, links->pcie_down),
        .link_latency = links->pcie_start,
        .block_bytes = gpus * model_kv_bytes_per_token(&plan->model, plan->tensor_parallel) * plan->engine.block_size,
        .node_instances = has_pool ? (uint32_t)settings->tier_cxl_sharing : (uint32_t)settings->tier_sharing,
        .host_instances = (uint32_t)settings->tier_sharing,
    };
    if (has_pool && settings->tier_cxl_sharing % settings->tier_sharing) {
        return diag_error(diag, ASIM_USAGE, nowhere,
                          "tiers.cxl_sharing = %" PRIu64 " instances; allowed: a multiple of tiers.sharing (%" PRIu64
                          ")",
                          settings->tier_cxl_sharing, settings->tier_sharing);
    }
    plan->engine.peers = (struct kv_link){
        .bandwidth = gpus * links->nic, .latency = links->nic_start, .block_bytes = tiers->block_bytes};
    const asim_status added = add_tiers(settings, plan, diag);
    if (added != ASIM_OK) {
        return added;
    }
    if (settings->tier_dram_replacement != SETTING_REPLACEMENT_LRU && settings->tier_dram < 0.0) {
        return diag_error(diag, ASIM_USAGE, nowhere, "tiers.dram_replacement needs host DRAM; give tiers.dram");
    }
    if (!tiers->n_tiers) {
        const bool wanted = settings->offload_engine != SETTING_OFFLOAD_POLICY;
        return wanted ? diag_error(diag, ASIM_USAGE, nowhere,
                                   "offload.engine needs a tier below HBM; give tiers.dram, tiers.cxl or tiers.nvme")
                      : ASIM_OK;
    }
    if (!plan->engine.prefix_caching) {
        return diag_error(diag, ASIM_USAGE, nowhere,
                          "tiers below HBM find KV by its content and need enable_prefix_caching = on");
    }
    return resolve_engine(settings, plan, diag);
}
