#include "policy/policy_table.h"

#include <string.h>

static const struct policy_entry table[] = {
    {
        .plane = POLICY_ROUTING,
        .name = "round-robin",
        .summary = "instances in turn, one LLM call each; sees nothing",
        .source = "common practice",
        .route = route_round_robin,
    },
    {
        .plane = POLICY_ROUTING,
        .name = "least-loaded",
        .summary = "fewest outstanding turns, by telemetry and what was sent since; ties by KV use",
        .source = "common practice",
        .route = route_least_loaded,
        .reads = READS_VIEW,
    },
    {
        .plane = POLICY_ROUTING,
        .name = "session-affinity",
        .summary = "a program stays where its KV cache is until that instance is under pressure, then least-loaded",
        .source = "AgentServeSim (arXiv 2606.09613), session-aware router",
        .route = route_session_affinity,
        .reads = READS_VIEW,
        .homing = &session_affinity_homing,
    },
    {
        .plane = POLICY_SCHEDULING,
        .name = "fcfs",
        .summary = "turns in order of arrival; the last admitted is preempted first",
        .source = "vLLM V1 scheduler",
    },
    {
        .plane = POLICY_RETENTION,
        .name = "lru",
        .summary = "nothing is pinned: idle blocks go in order of release, a turn's tail before its head",
        .source = "vLLM V1 block pool",
    },
};

enum { POLICIES = sizeof table / sizeof table[0] };

size_t policy_count(void)
{
    return POLICIES;
}

const struct policy_entry *policy_at(size_t index)
{
    return index < POLICIES ? &table[index] : NULL;
}

const char *policy_plane_name(enum policy_plane plane)
{
    static const char *const names[] = {"routing", "scheduling", "retention"};
    return names[plane];
}

const struct policy_entry *policy_find(enum policy_plane plane, const char *name)
{
    for (size_t i = 0; i < POLICIES; i++) {
        if (table[i].plane == plane && strcmp(table[i].name, name) == 0) {
            return &table[i];
        }
    }
    return NULL;
}
