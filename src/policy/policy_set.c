#include "policy/policy_set.h"

#include "policy/plugin.h"
#include "policy/policy_parameters.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const struct diag_where nowhere = {0};

struct policy_use policy_use_of(const struct asim_policy *policy)
{
    struct policy_use use = {.policy = policy};
    assert(policy->n_parameters <= POLICY_MAX_PARAMETERS);
    for (uint32_t i = 0; i < policy->n_parameters; i++) {
        use.parameters[i] = policy->parameters[i].value;
    }
    return use;
}

struct policy_use *policy_set_use(struct policy_set *set, enum policy_plane plane)
{
    return plane == POLICY_ROUTING ? &set->routing : plane == POLICY_SCHEDULING ? &set->scheduling : &set->retention;
}

bool policy_set_has_oracle(const struct policy_set *set)
{
    return ((set->retention.policy->flags | set->scheduling.policy->flags | set->routing.policy->flags) &
            ASIM_POLICY_ORACLE) != 0;
}

/* The names of the policies that may stand in an option: of one plane, or of any (POLICY_PLANES). */
enum { MOST_NAMES = 64, LIST_BYTES = 1024 };

static size_t allowed_names(enum policy_plane plane, const char *names[MOST_NAMES], char list[LIST_BYTES])
{
    size_t n = 0;
    size_t used = 0;
    list[0] = '\0';
    for (size_t i = 0; i < policy_count() && n < MOST_NAMES; i++) {
        const struct asim_policy *policy = policy_at(i);
        if (plane == POLICY_PLANES || policy_serves(policy, plane)) {
            names[n++] = policy->name;
            used += (size_t)snprintf(list + used, used < LIST_BYTES ? LIST_BYTES - used : 0, "%s%s", n > 1 ? ", " : "",
                                     policy->name);
            used = used < LIST_BYTES ? used : LIST_BYTES - 1;
        }
    }
    return n;
}

static const struct asim_policy *unknown(const char *option, enum policy_plane plane, const char *given,
                                         struct diag *diag)
{
    const char *names[MOST_NAMES];
    char list[LIST_BYTES];
    const size_t n = allowed_names(plane, names, list);
    const char *nearest = diag_nearest(given, names, n);
    diag_error(diag, ASIM_USAGE, nowhere,
               "%s: '%s' is not a policy%s%s%s; allowed: %s, or the path of a shared object, which holds a '/'", option,
               given, nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "", list);
    return NULL;
}

static const struct asim_policy *loaded(const struct policy_set *set, const char *path)
{
    const struct policy_plugin *plugin = set->plugins;
    while (plugin && strcmp(plugin->path, path) != 0) {
        plugin = plugin->next;
    }
    return plugin ? &plugin->table : NULL;
}

const struct asim_policy *policy_set_chosen(const struct policy_set *set, const char *name)
{
    return policy_is_path(name) ? loaded(set, name) : policy_find(name);
}

/* A shared object is loaded once for all planes. */
static const struct asim_policy *load(struct policy_set *set, const char *path, struct diag *diag)
{
    if (!loaded(set, path)) {
        struct policy_plugin *plugin = policy_plugin_open(path, diag);
        if (!plugin) {
            return NULL;
        }
        plugin->next = set->plugins;
        set->plugins = plugin;
    }
    return loaded(set, path);
}

static bool check_plane(const char *option, enum policy_plane plane, const char *given,
                        const struct asim_policy *policy, struct diag *diag)
{
    if (plane == POLICY_PLANES || policy_serves(policy, plane)) {
        return true;
    }
    char planes[POLICY_PLANES_BYTES];
    const char *names[MOST_NAMES];
    char list[LIST_BYTES];
    allowed_names(plane, names, list);
    diag_error(diag, ASIM_USAGE, nowhere, "%s: '%s' is a policy of %s; allowed: %s", option, given,
               policy_planes_text(policy, planes), list);
    return false;
}

/* The policy that an option names, for one plane or for any. */
static const struct asim_policy *find(struct policy_set *set, const char *option, enum policy_plane plane,
                                      const char *given, struct diag *diag)
{
    const bool is_path = policy_is_path(given);
    const struct asim_policy *policy = is_path ? load(set, given, diag) : policy_find(given);
    if (!policy) {
        return is_path ? NULL : unknown(option, plane, given, diag);
    }
    return check_plane(option, plane, given, policy, diag) ? policy : NULL;
}

static const struct policy_plugin *plugin_of(const struct policy_set *set, const struct asim_policy *policy)
{
    const struct policy_plugin *plugin = set->plugins;
    while (plugin && &plugin->table != policy) {
        plugin = plugin->next;
    }
    return plugin;
}

static void take_presets(struct policy_use *use, const struct policy_choice *choice)
{
    for (size_t i = 0; i < choice->n_presets; i++) {
        const struct policy_preset *preset = &choice->presets[i];
        for (uint32_t k = 0; strcmp(use->policy->name, preset->policy) == 0 && k < use->policy->n_parameters; k++) {
            if (strcmp(use->policy->parameters[k].name, preset->parameter) == 0) {
                use->parameters[k] = preset->value;
            }
        }
    }
}

static void take(struct policy_set *set, enum policy_plane plane, const struct asim_policy *policy,
                 const struct policy_choice *choice)
{
    struct policy_use *use = policy_set_use(set, plane);
    *use = policy_use_of(policy);
    use->plugin = plugin_of(set, policy);
    if (!use->plugin) {
        take_presets(use, choice);
    }
}

static bool is_taken(const struct policy_set *set, const struct asim_policy *policy)
{
    return set->routing.policy == policy || set->scheduling.policy == policy || set->retention.policy == policy;
}

bool policy_set_open(struct policy_set *out, const struct policy_choice *choice, struct diag *diag)
{
    static const char *const defaults[] = {
        [POLICY_ROUTING] = "session-affinity", [POLICY_SCHEDULING] = "fcfs", [POLICY_RETENTION] = "lru"};
    const size_t errors_before = diag->n_errors;
    *out = (struct policy_set){0};
    const struct asim_policy *whole = choice->policy ? find(out, "policy", POLICY_PLANES, choice->policy, diag) : NULL;
    for (int i = 0; i < POLICY_PLANES; i++) {
        const enum policy_plane plane = (enum policy_plane)i;
        const struct asim_policy *policy = policy_find(defaults[plane]);
        if (choice->planes[plane]) {
            policy = find(out, policy_plane_name(plane), plane, choice->planes[plane], diag);
        } else if (whole && policy_serves(whole, plane)) {
            policy = whole;
        }
        if (policy) {
            take(out, plane, policy, choice);
        }
    }
    if (whole && !is_taken(out, whole)) {
        diag_warning(diag, nowhere, "policy: '%s' decides nothing: its planes are given to others", choice->policy);
    }
    if (diag->n_errors == errors_before && choice->parameters) {
        policy_parameters_read(choice->parameters, out, diag);
    }
    if (diag->n_errors != errors_before) {
        policy_set_close(out);
        return false;
    }
    return true;
}

void policy_set_close(struct policy_set *set)
{
    while (set->plugins) {
        struct policy_plugin *next = set->plugins->next;
        policy_plugin_close(set->plugins);
        set->plugins = next;
    }
    *set = (struct policy_set){0};
}
