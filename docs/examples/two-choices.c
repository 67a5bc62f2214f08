/* two-choices: a program stays at its home; without one, or when the home has too much to do, the less loaded of two
 * instances drawn at random takes the turn.
 *
 * Shows routing: what the router sees, and random numbers that are the same in every run. The flags say what `route`
 * looks at: the parallel engine looks further ahead for a policy that looks at less.
 */
#include <asim/policy.h>

enum { LOAD_LIMIT };

static const struct asim_parameter parameters[] = {
    [LOAD_LIMIT] = {"load_limit", "outstanding turns over the mean above which a program leaves its home", ASIM_NUMBER,
                    2.0, 1.0, 1000.0},
};

static uint32_t route(const struct asim_routing *routing, const struct asim_request *request)
{
    const struct asim_instance_view *instances = routing->instances;
    const double mean = (double)routing->outstanding / (double)routing->n_instances;
    if (request->home != ASIM_NONE &&
        (double)instances[request->home].outstanding <= routing->parameters[LOAD_LIMIT] * (mean + 1.0)) {
        return request->home;
    }
    const uint32_t one = (uint32_t)(routing->random & UINT32_MAX) % routing->n_instances;
    const uint32_t other = (uint32_t)(routing->random >> 32) % routing->n_instances;
    return instances[other].outstanding < instances[one].outstanding ? other : one;
}

static const struct asim_policy policy = {
    .struct_size = sizeof policy,
    .abi_major = ASIM_POLICY_ABI_MAJOR,
    .abi_minor = ASIM_POLICY_ABI_MINOR,
    .name = "two-choices",
    .summary = "home, else the less loaded of two drawn at random",
    .source = "an example of docs/policies.md",
    .parameters = parameters,
    .n_parameters = sizeof parameters / sizeof parameters[0],
    .flags = ASIM_POLICY_READS_VIEW | ASIM_POLICY_READS_RANDOM,
    .route = route,
};

const struct asim_policy *asim_policy(void)
{
    return &policy;
}
