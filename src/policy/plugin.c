#include "policy/plugin.h"

#include "base/mem.h"
#include "policy/policy_call.h"
#include "policy/policy_parameters.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What says what a policy is, before its functions: a table without it is none. */
#define LEAST_SIZE offsetof(struct asim_policy, tick_period)

enum {
    ALL_FLAGS = ASIM_POLICY_ORACLE | ASIM_POLICY_DYNAMIC_PRIORITY | ASIM_POLICY_PREEMPTIVE | ASIM_POLICY_READS_VIEW |
                ASIM_POLICY_READS_OVERLAP | ASIM_POLICY_READS_RANDOM | ASIM_POLICY_READS_PROMPT
};

enum { MESSAGE_BYTES = 512 };

static bool refuse(const char *path, struct diag *diag, const char *format, ...) __attribute__((format(printf, 3, 4)));

static bool refuse(const char *path, struct diag *diag, const char *format, ...)
{
    char text[MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    diag_error(diag, ASIM_USAGE, (struct diag_where){.file = path}, "%s", text);
    return false;
}

bool policy_is_path(const char *name)
{
    return strchr(name, '/') != NULL;
}

/* Letters, digits, '-' and '_': what stands before '=', '.' and ',' in options. */
static bool is_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    enum { LONGEST = 40 };
    const size_t n = strlen(name);
    return n > 0 && n <= LONGEST && strspn(name, allowed) == n;
}

static bool check_version(const char *path, const struct asim_policy *given, struct diag *diag)
{
    if (given->abi_major != ASIM_POLICY_ABI_MAJOR) {
        return refuse(path, diag, "is built for policy ABI %d.%d; this asim has %d.%d: build it anew", given->abi_major,
                      given->abi_minor, ASIM_POLICY_ABI_MAJOR, ASIM_POLICY_ABI_MINOR);
    }
    if (given->abi_minor > ASIM_POLICY_ABI_MINOR || given->struct_size > sizeof *given) {
        return refuse(path, diag,
                      "is built for policy ABI %d.%d, with a table of %" PRIu32
                      " bytes; this asim has %d.%d, with %zu: "
                      "it needs a newer asim, or to be built anew",
                      given->abi_major, given->abi_minor, given->struct_size, ASIM_POLICY_ABI_MAJOR,
                      ASIM_POLICY_ABI_MINOR, sizeof *given);
    }
    if (given->struct_size < LEAST_SIZE) {
        return refuse(path, diag,
                      "its table says struct_size %" PRIu32 "; expected: sizeof (struct asim_policy), which is %zu",
                      given->struct_size, sizeof *given);
    }
    return true;
}

static bool check_parameter(const char *path, const struct asim_policy *policy, uint32_t index, struct diag *diag)
{
    const struct asim_parameter *parameter = &policy->parameters[index];
    if (!parameter->name || !is_name(parameter->name)) {
        return refuse(path, diag,
                      "parameter %" PRIu32 " has no name, or one with other characters than letters, digits, "
                      "'-' and '_'",
                      index);
    }
    for (uint32_t i = 0; i < index; i++) {
        if (policy->parameters[i].name && strcmp(policy->parameters[i].name, parameter->name) == 0) {
            return refuse(path, diag, "two parameters are named %s", parameter->name);
        }
    }
    if (parameter->kind != ASIM_NUMBER && parameter->kind != ASIM_DURATION) {
        return refuse(path, diag, "parameter %s is of kind %d; allowed: ASIM_NUMBER, ASIM_DURATION", parameter->name,
                      (int)parameter->kind);
    }
    if (!(parameter->min <= parameter->max)) { /* NaN too */
        return refuse(path, diag, "parameter %s allows %g to %g, which is nothing", parameter->name, parameter->min,
                      parameter->max);
    }
    if (!isfinite(parameter->value) || parameter->value < parameter->min || parameter->value > parameter->max) {
        char value[POLICY_VALUE_BYTES];
        char range[POLICY_RANGE_BYTES];
        return refuse(path, diag, "the default of parameter %s is %s; allowed: %s", parameter->name,
                      isnan(parameter->value) ? "NaN" : policy_parameter_text(parameter, parameter->value, value),
                      policy_parameter_range(parameter, range));
    }
    return true;
}

static bool check_parameters(const char *path, const struct asim_policy *policy, struct diag *diag)
{
    if (policy->n_parameters > POLICY_MAX_PARAMETERS) {
        return refuse(path, diag, "has %" PRIu32 " parameters; allowed: up to %d", policy->n_parameters,
                      POLICY_MAX_PARAMETERS);
    }
    if (policy->n_parameters && !policy->parameters) {
        return refuse(path, diag, "says that it has %" PRIu32 " parameters, but its parameters are NULL",
                      policy->n_parameters);
    }
    bool good = true;
    for (uint32_t i = 0; i < policy->n_parameters; i++) {
        good = check_parameter(path, policy, i, diag) && good;
    }
    return good;
}

bool policy_plugin_check(const char *path, const struct asim_policy *given, struct asim_policy *out, struct diag *diag)
{
    if (!check_version(path, given, diag)) {
        return false;
    }
    *out = (struct asim_policy){0};
    memcpy(out, given, given->struct_size);
    if (!out->name || !is_name(out->name)) {
        return refuse(path, diag, "its policy has no name, or not one of up to 40 letters, digits, '-' and '_'");
    }
    bool good = check_parameters(path, out, diag);
    if (out->state_size > POLICY_MAX_STATE_BYTES) {
        good = refuse(path, diag, "asks for a state of %zu bytes; allowed: up to %" PRIu64, out->state_size,
                      POLICY_MAX_STATE_BYTES);
    }
    if (out->flags & ~(uint32_t)ALL_FLAGS) {
        good = refuse(path, diag, "has flags 0x%" PRIx32 "; policy ABI %d.%d knows 0x%x", out->flags,
                      ASIM_POLICY_ABI_MAJOR, ASIM_POLICY_ABI_MINOR, (unsigned)ALL_FLAGS);
    }
    if (!out->route && (out->on_submit || out->on_complete || out->route_tick)) {
        good =
            refuse(path, diag, "its policy %s has on_submit, on_complete or route_tick; they go with a function route",
                   out->name);
    } else if (!policy_planes(out)) {
        good = refuse(path, diag, "its policy %s has no function of retention, scheduling or routing", out->name);
    }
    return good;
}

static bool load(struct policy_plugin *plugin, struct diag *diag)
{
    plugin->library = dlopen(plugin->path, RTLD_NOW | RTLD_LOCAL);
    if (!plugin->library) {
        const char *why = dlerror();
        const size_t n = strlen(plugin->path);
        const bool repeats = strncmp(why, plugin->path, n) == 0 && strncmp(why + n, ": ", 2) == 0;
        return refuse(plugin->path, diag, "is no policy that can be loaded: %s", repeats ? why + n + 2 : why);
    }
    asim_policy_entry entry = NULL;
    void *symbol = dlsym(plugin->library, "asim_policy");
    memcpy(&entry, &symbol, sizeof entry); /* ISO C has no conversion */
    if (!entry) {
        return refuse(plugin->path, diag,
                      "has no function asim_policy; expected: const struct asim_policy *asim_policy(void)");
    }
    policy_call = (struct policy_call){.policy = plugin->path, .function = "asim_policy"};
    const struct asim_policy *given = entry();
    policy_call.function = NULL;
    if (!given) {
        return refuse(plugin->path, diag, "its asim_policy returns NULL; expected: a table");
    }
    return policy_plugin_check(plugin->path, given, &plugin->table, diag);
}

struct policy_plugin *policy_plugin_open(const char *path, struct diag *diag)
{
    struct policy_plugin *plugin = mem_zalloc(sizeof *plugin);
    plugin->path = mem_strdup(path);
    if (!load(plugin, diag)) {
        policy_plugin_close(plugin);
        return NULL;
    }
    return plugin;
}

void policy_plugin_close(struct policy_plugin *plugin)
{
    if (plugin->library) {
        dlclose(plugin->library);
    }
    mem_free(plugin->path);
    mem_free(plugin);
}
