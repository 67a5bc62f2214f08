#include "policy/policy_parameters.h"

#include "options/option_value.h"
#include "options/units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct diag_where nowhere = {0};

_Static_assert((int)POLICY_VALUE_BYTES >= (int)UNITS_TEXT_BYTES, "a value fits");

const char *policy_parameter_text(const struct asim_parameter *parameter, double value, char out[POLICY_VALUE_BYTES])
{
    if (!isfinite(value)) {
        snprintf(out, POLICY_VALUE_BYTES, "%s", value > 0 ? "inf" : "-inf");
    } else if (parameter->kind == ASIM_DURATION) {
        units_format_duration((simtime)value, out);
    } else {
        units_format_number(value, out);
    }
    return out;
}

static void bounds_text(const struct asim_parameter *parameter, char *out, size_t bytes)
{
    char low[POLICY_VALUE_BYTES];
    char high[POLICY_VALUE_BYTES];
    policy_parameter_text(parameter, parameter->min, low);
    policy_parameter_text(parameter, parameter->max, high);
    if (isinf(parameter->min) && isinf(parameter->max)) {
        snprintf(out, bytes, "any");
    } else if (isinf(parameter->max)) {
        snprintf(out, bytes, ">= %s", low);
    } else if (isinf(parameter->min)) {
        snprintf(out, bytes, "<= %s", high);
    } else {
        snprintf(out, bytes, "%s to %s", low, high);
    }
}

const char *policy_parameter_range(const struct asim_parameter *parameter, char out[POLICY_RANGE_BYTES])
{
    const int n = snprintf(out, POLICY_RANGE_BYTES, "%s, ", parameter->kind == ASIM_DURATION ? "duration" : "number");
    bounds_text(parameter, out + n, POLICY_RANGE_BYTES - (size_t)n);
    return out;
}

/* ---- one item ---- */

enum { NAME_BYTES = 128, VALUE_BYTES = 128, LIST_BYTES = 1024 };

struct item {
    char name[NAME_BYTES]; /* maybe with its policy's */
    char value[VALUE_BYTES];
    const char *parameter; /* in `name`, without its policy's */
    const char *policy;    /* in `owner`; NULL: of any */
    char owner[NAME_BYTES];
};

/* The parameters of the run's policies, each policy once. */
static void list_parameters(struct policy_set *set, char out[LIST_BYTES])
{
    size_t used = 0;
    out[0] = '\0';
    for (int plane = POLICY_PLANES - 1; plane >= 0; plane--) {
        const struct asim_policy *policy = policy_set_use(set, (enum policy_plane)plane)->policy;
        bool seen = false;
        for (int other = POLICY_PLANES - 1; other > plane; other--) {
            seen |= policy_set_use(set, (enum policy_plane)other)->policy == policy;
        }
        for (uint32_t i = 0; !seen && i < policy->n_parameters && used < LIST_BYTES - 1; i++) {
            char range[POLICY_RANGE_BYTES];
            const int n = snprintf(out + used, LIST_BYTES - used, "%s%s.%s (%s)", used ? ", " : "", policy->name,
                                   policy->parameters[i].name, policy_parameter_range(&policy->parameters[i], range));
            used = used + (size_t)n < LIST_BYTES ? used + (size_t)n : LIST_BYTES - 1;
        }
    }
    if (!used) {
        snprintf(out, LIST_BYTES, "none, the policies of this run have no parameters");
    }
}

static void refuse(const char *name, const char *what, struct policy_set *set, struct diag *diag)
{
    char list[LIST_BYTES];
    char shown[OPTION_SHOWN_BYTES];
    list_parameters(set, list);
    diag_error(diag, ASIM_USAGE, nowhere, "policy_parameters: '%s' %s; allowed: %s", option_shown(name, shown), what,
               list);
}

static uint32_t find_parameter(const struct asim_policy *policy, const struct item *item)
{
    if (!item->policy || strcmp(item->policy, policy->name) == 0) {
        for (uint32_t i = 0; i < policy->n_parameters; i++) {
            if (strcmp(policy->parameters[i].name, item->parameter) == 0) {
                return i;
            }
        }
    }
    return ASIM_NONE;
}

static bool read_value(const struct asim_policy *policy, const struct asim_parameter *parameter,
                       const struct item *item, double *out, struct diag *diag)
{
    char allowed[POLICY_RANGE_BYTES];
    char message[OPTION_MESSAGE_BYTES];
    bounds_text(parameter, allowed, sizeof allowed);
    const bool is_duration = parameter->kind == ASIM_DURATION;
    const struct option_row row = {.type = is_duration ? OPTION_DURATION : OPTION_NUMBER,
                                   .min = parameter->min,
                                   .max = parameter->max,
                                   .doc.allowed = allowed};
    struct option_value value;
    if (!option_value_parse(&row, item->value, &value, message)) {
        diag_error(diag, ASIM_USAGE, nowhere, "policy_parameters: %s.%s: %s", policy->name, parameter->name, message);
        return false;
    }
    *out = is_duration ? (double)value.duration : value.number;
    return true;
}

/* The parameters that had a value in the text so far. */
struct given {
    const struct asim_parameter *parameters[POLICY_PLANES * POLICY_MAX_PARAMETERS];
    size_t n;
};

/* Whether it had one; now it has. */
static bool is_given(struct given *given, const struct asim_parameter *parameter)
{
    for (size_t i = 0; i < given->n; i++) {
        if (given->parameters[i] == parameter) {
            return true;
        }
    }
    given->parameters[given->n++] = parameter;
    return false;
}

/* Gives an item's value to the one policy that has its parameter, in each plane that it has. */
static void set_item(const struct item *item, struct policy_set *set, struct given *given, struct diag *diag)
{
    const struct asim_policy *owner = NULL;
    for (int plane = 0; plane < POLICY_PLANES; plane++) {
        const struct asim_policy *policy = policy_set_use(set, (enum policy_plane)plane)->policy;
        if (find_parameter(policy, item) != ASIM_NONE) {
            if (owner && owner != policy) {
                refuse(item->name, "is a parameter of several policies; name one, as policy.name", set, diag);
                return;
            }
            owner = policy;
        }
    }
    double value;
    const uint32_t index = owner ? find_parameter(owner, item) : ASIM_NONE;
    if (index == ASIM_NONE) {
        refuse(item->name, "is not a parameter", set, diag);
    } else if (is_given(given, &owner->parameters[index])) {
        refuse(item->name, "is given twice", set, diag);
    } else if (read_value(owner, &owner->parameters[index], item, &value, diag)) {
        for (int plane = 0; plane < POLICY_PLANES; plane++) {
            struct policy_use *use = policy_set_use(set, (enum policy_plane)plane);
            if (use->policy == owner) {
                use->parameters[index] = value;
            }
        }
    }
}

/* ---- the text ---- */

static void copy_trimmed(char *out, size_t bytes, const char *text, size_t length)
{
    while (length && (*text == ' ' || *text == '\t')) {
        text++;
        length--;
    }
    while (length && (text[length - 1] == ' ' || text[length - 1] == '\t')) {
        length--;
    }
    snprintf(out, bytes, "%.*s", (int)length, text);
}

/* False when it is not "name=value". */
static bool split(const char *text, size_t length, struct item *out)
{
    const char *equals = memchr(text, '=', length);
    *out = (struct item){0};
    if (!equals) {
        copy_trimmed(out->name, sizeof out->name, text, length);
        return false;
    }
    copy_trimmed(out->name, sizeof out->name, text, (size_t)(equals - text));
    copy_trimmed(out->value, sizeof out->value, equals + 1, length - (size_t)(equals + 1 - text));
    const char *dot = strrchr(out->name, '.');
    out->parameter = dot ? dot + 1 : out->name;
    if (dot) {
        snprintf(out->owner, sizeof out->owner, "%.*s", (int)(dot - out->name), out->name);
        out->policy = out->owner;
    }
    return true;
}

bool policy_parameters_read(const char *text, struct policy_set *set, struct diag *diag)
{
    const size_t errors_before = diag->n_errors;
    struct given given = {.n = 0};
    for (const char *at = text; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        struct item item;
        if (!split(at, strcspn(at, ","), &item)) {
            refuse(item.name, "is not name=value", set, diag);
        } else {
            set_item(&item, set, &given, diag);
        }
    }
    return diag->n_errors == errors_before;
}
