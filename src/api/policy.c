#include "api/policy.h"

#include "api/config.h"
#include "api/document.h"
#include "asim/asim.h"
#include "base/embedded.h"
#include "policy/plugin.h"
#include "policy/policy_call.h"
#include "policy/policy_parameters.h"

#include <string.h>

const char *asim_policy_header(void)
{
    return embedded_find("include/asim/policy.h")->text;
}

const char *asim_policy_template(void)
{
    return embedded_find("policies/template.c")->text;
}

const char *asim_policy_in_call(const char **function)
{
    *function = policy_call.function;
    return policy_call.function ? policy_call.policy : NULL;
}

/* ---- documents ---- */

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *planes_of(const struct asim_policy *policy)
{
    json_t *planes = json_array();
    for (int plane = POLICY_PLANES - 1; plane >= 0; plane--) {
        if (policy_serves(policy, (enum policy_plane)plane)) {
            json_array_append_new(planes, json_string(policy_plane_name((enum policy_plane)plane)));
        }
    }
    return planes;
}

json_t *policy_functions(const struct asim_policy *policy)
{
    const struct {
        const char *name;
        bool is_there;
    } functions[] = {
        {"tick_period", policy->tick_period != NULL},
        {"start", policy->start != NULL},
        {"on_turn_arrival", policy->on_turn_arrival != NULL},
        {"observe_gap", policy->observe_gap != NULL},
        {"observe_admission", policy->observe_admission != NULL},
        {"tick", policy->tick != NULL},
        {"on_turn_complete", policy->on_turn_complete != NULL},
        {"evict_order", policy->evict_order != NULL},
        {"on_pressure", policy->on_pressure != NULL},
        {"priority", policy->priority != NULL},
        {"victim", policy->victim != NULL},
        {"admit", policy->admit != NULL},
        {"route", policy->route != NULL},
        {"on_submit", policy->on_submit != NULL},
        {"on_complete", policy->on_complete != NULL},
        {"route_tick_period", policy->route_tick_period != NULL},
        {"route_tick", policy->route_tick != NULL},
        {"plan_transfers", policy->plan_transfers != NULL},
    };
    json_t *names = json_array();
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        if (functions[i].is_there) {
            json_array_append_new(names, json_string(functions[i].name));
        }
    }
    return names;
}

static json_t *flags_of(const struct asim_policy *policy)
{
    static const struct {
        uint32_t flag;
        const char *name;
    } flags[] = {
        {ASIM_POLICY_ORACLE, "oracle"},
        {ASIM_POLICY_DYNAMIC_PRIORITY, "dynamic priority"},
        {ASIM_POLICY_PREEMPTIVE, "preemptive"},
        {ASIM_POLICY_READS_VIEW, "reads view"},
        {ASIM_POLICY_READS_OVERLAP, "reads overlap"},
        {ASIM_POLICY_READS_RANDOM, "reads random"},
        {ASIM_POLICY_READS_PROMPT, "reads prompt"},
    };
    json_t *names = json_array();
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (policy->flags & flags[i].flag) {
            json_array_append_new(names, json_string(flags[i].name));
        }
    }
    return names;
}

static json_t *parameters_of(const struct asim_policy *policy)
{
    json_t *rows = json_array();
    for (uint32_t i = 0; i < policy->n_parameters; i++) {
        const struct asim_parameter *parameter = &policy->parameters[i];
        char value[POLICY_VALUE_BYTES];
        char range[POLICY_RANGE_BYTES];
        json_array_append_new(rows, json_pack("{s:s, s:s, s:s, s:s}", "name", parameter->name, "default",
                                              policy_parameter_text(parameter, parameter->value, value), "allowed",
                                              policy_parameter_range(parameter, range), "help",
                                              parameter->help ? parameter->help : ""));
    }
    return rows;
}

/* "ttl=2s (duration, 0s to 1h)". */
static json_t *parameter_texts(const struct asim_policy *policy)
{
    json_t *texts = json_array();
    for (uint32_t i = 0; i < policy->n_parameters; i++) {
        const struct asim_parameter *parameter = &policy->parameters[i];
        char value[POLICY_VALUE_BYTES];
        char range[POLICY_RANGE_BYTES];
        json_array_append_new(texts, json_sprintf("%s=%s (%s)", parameter->name,
                                                  policy_parameter_text(parameter, parameter->value, value),
                                                  policy_parameter_range(parameter, range)));
    }
    return texts;
}

json_t *policy_row(const struct asim_policy *policy)
{
    return json_pack("{s:s, s:o, s:o, s:o, s:b, s:o, s:o}", "name", policy->name, "planes", planes_of(policy),
                     "summary", text_or_null(policy->summary), "parameters", parameter_texts(policy), "oracle",
                     (policy->flags & ASIM_POLICY_ORACLE) != 0, "source", text_or_null(policy->source), "assumed",
                     text_or_null(policy->assumed));
}

asim_status asim_policy_show(asim_config *config, const char *name, char **out)
{
    *out = NULL;
    struct diag *diag = config_diag(config);
    struct policy_set set;
    if (!policy_set_open(&set, &(struct policy_choice){.policy = name}, diag)) {
        return diag->status;
    }
    const struct asim_policy *policy = policy_set_chosen(&set, name);
    json_t *document = policy_row(policy);
    json_object_set_new(document, "path", text_or_null(set.plugins ? name : NULL));
    json_object_set_new(document, "abi", json_sprintf("%d.%d", policy->abi_major, policy->abi_minor));
    json_object_set_new(document, "flags", flags_of(policy));
    json_object_set_new(document, "functions", policy_functions(policy));
    json_object_set_new(document, "state_bytes", json_integer((json_int_t)policy->state_size));
    json_object_set_new(document, "parameters", parameters_of(policy));
    json_t *head = json_pack("{s:s, s:i}", "schema", "asim.policy", "version", 1);
    json_object_update(head, document);
    json_decref(document);
    *out = document_text(head, DOCUMENT_DIGITS);
    policy_set_close(&set);
    return ASIM_OK;
}
