#include "policy/builtin/builtin.h"

const struct asim_policy policy_lru = {
    POLICY_HEAD,
    .name = "lru",
    .summary = "nothing is pinned: idle blocks go in order of release, a turn's tail before its head",
    .source = "vLLM V1 block pool",
};
