#include "cli/arguments.h"

#include "cli/messages.h"

#include <stdlib.h>
#include <string.h>

const struct own_flag own_flags[] = {
    {"--help", NULL, "run plan validate bench inspect import policy list help", "print help and exit"},
    {"--set", "PATH=VALUE", "run plan validate bench inspect import policy list",
     "set an option by its path, as in a file"},
    {"--print-config", NULL, "run plan validate bench inspect import",
     "print the resolved configuration as YAML and exit"},
    {"--origin", NULL, "run plan validate bench inspect import", "with --print-config: say where each value came from"},
    {"--dry-run", NULL, "run", "check and size everything, simulate nothing: the same as plan"},
    {"--resume", "DIR", "run",
     "go on from the checkpoint in DIR, the --out of a run with --checkpoint-every that was cut short"},
    {"--measured", "FILE", "validate", "per-request times of a real engine, requests.jsonl"},
    {"--to", "FILE", "import", "the columnar file to write, e.g. programs.asimw"},
    {"--threads-list", "LIST", "bench", "numbers of threads to measure, e.g. 1,2,4 [1, 2, 4, ... up to the cores]"},
    {"--sizes", "LIST", "bench", "numbers of programs to measure, e.g. 1000,1e4 [that of the configuration]"},
    {"--repeats", "N", "bench", "timed runs of each [3]"},
    {"--control", NULL, "bench", "also run as many one-thread simulations side by side: what the machine gives"},
    {NULL, NULL, NULL, NULL},
};

bool own_flag_is_of(const struct own_flag *flag, const char *verb)
{
    const size_t n = strlen(verb);
    for (const char *at = strstr(flag->verbs, verb); at; at = strstr(at + 1, verb)) {
        if ((at == flag->verbs || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0')) {
            return true;
        }
    }
    return false;
}

static const struct own_flag *find_own(const char *name, const char *verb)
{
    for (const struct own_flag *flag = own_flags; flag->name; flag++) {
        if (strcmp(flag->name, name) == 0 && own_flag_is_of(flag, verb)) {
            return flag;
        }
    }
    return NULL;
}

/* `--no-X` of a switch X too, with *negated set. */
static const asim_option *find_option(const char *name, bool *negated)
{
    static const char no[] = "--no-";
    const size_t n = sizeof no - 1;
    *negated = false;
    for (size_t i = 0; i < asim_option_count(); i++) {
        const asim_option *option = asim_option_at(i);
        if (strcmp(option->flag, name) == 0) {
            return option;
        }
        if (option->is_switch && strncmp(name, no, n) == 0 && strcmp(option->flag + 2, name + n) == 0) {
            *negated = true;
            return option;
        }
    }
    return NULL;
}

static asim_status unknown_flag(const char *name, const char *verb)
{
    const size_t n_options = asim_option_count();
    const char *names[n_options + sizeof own_flags / sizeof own_flags[0]];
    size_t n = 0;
    for (; n < n_options; n++) {
        names[n] = asim_option_at(n)->flag;
    }
    for (const struct own_flag *flag = own_flags; flag->name; flag++) {
        if (own_flag_is_of(flag, verb)) {
            names[n++] = flag->name;
        }
    }
    const char *nearest = nearest_name(name, names, n);
    if (nearest) {
        return report_error(ASIM_USAGE, "unknown option %s; did you mean %s?", name, nearest);
    }
    return report_error(ASIM_USAGE, "unknown option %s; `asim %s --help` lists the options", name, verb);
}

/* State of one pass over the command line. */
struct pass {
    struct arguments *out;
    asim_config *config;
    const char *verb;
    int argc;
    char **argv;
    int next;
    asim_status status; /* the first error */
};

static void note(struct pass *pass, asim_status status)
{
    if (pass->status == ASIM_OK) {
        pass->status = status;
    }
}

static bool is_switch_value(const char *text)
{
    static const char *const values[] = {"on", "off", "true", "false"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        if (strcmp(values[i], text) == 0) {
            return true;
        }
    }
    return false;
}

/* The value of a flag: what stood behind '=', else the next word; NULL when there is none. */
static const char *take_value(struct pass *pass, const char *attached, bool is_switch)
{
    if (attached) {
        return attached;
    }
    const char *next = pass->next < pass->argc ? pass->argv[pass->next] : NULL;
    if (!next || (is_switch ? !is_switch_value(next) : strncmp(next, "--", 2) == 0)) {
        return NULL;
    }
    pass->next++;
    return next;
}

static void set_path(struct pass *pass, const char *assignment)
{
    const char *equals = strchr(assignment, '=');
    if (!equals || equals == assignment) {
        note(pass, report_error(ASIM_USAGE, "--set %s: PATH=VALUE is wanted, e.g. --set router.telemetry_period=50ms",
                                assignment));
        return;
    }
    char *path = strndup(assignment, (size_t)(equals - assignment));
    note(pass, asim_config_set(pass->config, path, equals + 1));
    free(path);
}

static void keep_value(struct arguments *out, const char *name, const char *value)
{
    const struct {
        const char *name;
        const char **value;
    } kept[] = {{"--measured", &out->measured},         {"--to", &out->to},       {"--resume", &out->resume},
                {"--threads-list", &out->threads_list}, {"--sizes", &out->sizes}, {"--repeats", &out->repeats}};
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        if (strcmp(kept[i].name, name) == 0) {
            *kept[i].value = value;
        }
    }
}

static void apply_own(struct pass *pass, const struct own_flag *flag, const char *attached)
{
    struct arguments *out = pass->out;
    if (!flag->value) {
        if (attached) {
            note(pass, report_error(ASIM_USAGE, "%s takes no value", flag->name));
        }
        out->help |= strcmp(flag->name, "--help") == 0;
        out->dry_run |= strcmp(flag->name, "--dry-run") == 0;
        out->print_config |= strcmp(flag->name, "--print-config") == 0;
        out->origin |= strcmp(flag->name, "--origin") == 0;
        out->control |= strcmp(flag->name, "--control") == 0;
        return;
    }
    const char *value = take_value(pass, attached, false);
    if (!value || !*value) {
        note(pass, report_error(ASIM_USAGE, "%s needs a value: %s", flag->name, flag->value));
    } else if (strcmp(flag->name, "--set") == 0) {
        set_path(pass, value);
    } else {
        keep_value(out, flag->name, value);
    }
}

static void apply_flag(struct pass *pass, const char *word)
{
    const char *equals = strchr(word, '=');
    const char *attached = equals ? equals + 1 : NULL;
    char *name = equals ? strndup(word, (size_t)(equals - word)) : strdup(word);
    const struct own_flag *own = find_own(name, pass->verb);
    bool negated = false;
    const asim_option *option = own ? NULL : find_option(name, &negated);
    if (own) {
        apply_own(pass, own, attached);
    } else if (!option) {
        note(pass, unknown_flag(name, pass->verb));
    } else if (negated) {
        note(pass, attached ? report_error(ASIM_USAGE, "%s takes no value", name)
                            : asim_config_set_flag(pass->config, name, NULL));
    } else {
        const char *value = take_value(pass, attached, option->is_switch);
        if (!value && !option->is_switch) {
            note(pass, report_error(ASIM_USAGE, "%s needs a value: %s", name, option->type));
        } else {
            note(pass, asim_config_set_flag(pass->config, name, value));
        }
    }
    free(name);
}

asim_status arguments_parse(struct arguments *out, asim_config *config, const char *verb, int argc, char **argv)
{
    *out = (struct arguments){.operands = malloc(((size_t)argc + 1) * sizeof *out->operands)};
    struct pass pass = {.out = out, .config = config, .verb = verb, .argc = argc, .argv = argv};
    bool flags = strcmp(verb, "help") != 0; /* `help --block-size` asks about it */
    while (pass.next < argc) {
        const char *word = argv[pass.next++];
        if (flags && strcmp(word, "--") == 0) {
            flags = false;
        } else if (strcmp(word, "-h") == 0 || (!flags && strcmp(word, "--help") == 0)) {
            out->help = true;
        } else if (flags && word[0] == '-' && word[1]) {
            apply_flag(&pass, word);
        } else {
            out->operands[out->n_operands++] = word;
        }
    }
    if (out->origin && !out->print_config) {
        note(&pass, report_error(ASIM_USAGE, "--origin goes with --print-config"));
    }
    return pass.status;
}

void arguments_fini(struct arguments *arguments)
{
    free(arguments->operands);
    *arguments = (struct arguments){0};
}
