#include "policy/policy_table.h"

#include "policy/builtin/builtin.h"

#include <string.h>

static const struct asim_policy *const table[] = {
    /* clang-format off */
    &policy_fcfs,
    &policy_program_fcfs,
    &policy_autellix_plas,
    &policy_autellix_atlas,
    &policy_oracle_srpt,
    &policy_lru,
    &policy_evict_always,
    &policy_ttl,
    &policy_hints,
    &policy_saecache,
    &policy_tokencake,
    &policy_kvflow,
    &policy_belady,
    &policy_oracle_ttl,
    &policy_continuum,
    &policy_continuum_release,
    &policy_infercept,
    &policy_gate,
    &policy_saga,
    &policy_round_robin,
    &policy_random,
    &policy_power_of_two,
    &policy_least_loaded,
    &policy_consistent_hash,
    &policy_session_affinity,
    &policy_sglang_cache_aware,
    &policy_dynamo_kv,
    &policy_llm_d,
    &policy_preble,
    &policy_autellix_router,
    &policy_saga_router,
    &policy_thunderagent,
    /* clang-format on */
};

enum { POLICIES = sizeof table / sizeof table[0] };

size_t policy_count(void)
{
    return POLICIES;
}

const struct asim_policy *policy_at(size_t index)
{
    return index < POLICIES ? table[index] : NULL;
}

const char *policy_plane_name(enum policy_plane plane)
{
    static const char *const names[] = {"routing", "scheduling", "retention"};
    return names[plane];
}

const struct asim_policy *policy_find(const char *name)
{
    for (size_t i = 0; i < POLICIES; i++) {
        if (strcmp(table[i]->name, name) == 0) {
            return table[i];
        }
    }
    return NULL;
}

uint32_t policy_planes(const struct asim_policy *policy)
{
    if (policy == &policy_fcfs) {
        return 1u << POLICY_SCHEDULING;
    }
    if (policy == &policy_lru) {
        return 1u << POLICY_RETENTION;
    }
    const bool schedules = policy->priority || policy->victim || policy->admit;
    const bool retains =
        policy->on_turn_complete || policy->evict_order || policy->on_pressure || policy->plan_transfers;
    const bool observes = policy->on_turn_arrival || policy->observe_gap || policy->observe_admission || policy->tick;
    return (policy->route ? 1u << POLICY_ROUTING : 0) | (schedules ? 1u << POLICY_SCHEDULING : 0) |
           (retains || (observes && !schedules) ? 1u << POLICY_RETENTION : 0);
}

const char *policy_planes_text(const struct asim_policy *policy, char out[POLICY_PLANES_BYTES])
{
    out[0] = '\0';
    for (int plane = POLICY_PLANES - 1; plane >= 0; plane--) {
        if (policy_serves(policy, (enum policy_plane)plane)) {
            strcat(strcat(out, out[0] ? ", " : ""), policy_plane_name((enum policy_plane)plane));
        }
    }
    return out;
}
