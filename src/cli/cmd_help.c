#include "cli/command.h"
#include "cli/human.h"
#include "cli/messages.h"

#include <string.h>

enum { NAME_COLUMN = 12, FLAG_COLUMN = 34 };

static void row(FILE *out, const char *name, size_t column, const char *text)
{
    const size_t width = human_width(name);
    fprintf(out, "  %s", name);
    if (width + 2 > column) {
        fputc('\n', out);
    }
    fprintf(out, "%*s", (int)(width + 2 > column ? column + 2 : column - width), "");
    human_wrap(out, text, column + 2, column + 2, HUMAN_COLUMNS);
}

static void heading(FILE *out, const char *text)
{
    const struct human_style style = human_style(out);
    fprintf(out, "\n%s%s%s\n", style.bold, text, style.plain);
}

static void list_topics(FILE *out)
{
    const char *description = NULL;
    for (size_t i = 0; asim_topic_at(i, &description); i++) {
        row(out, asim_topic_at(i, NULL), NAME_COLUMN, description);
    }
}

void help_short(FILE *out)
{
    fprintf(out, "asim %s: simulates multi-turn LLM agents on serving clusters (vLLM 0.19 semantics)\n",
            asim_version());
    fputs("\nusage: asim VERB [FILE.yaml ...] [--option value ...]\n", out);
    heading(out, "verbs (asim VERB --help)");
    for (const struct verb *verb = verbs; verb->name; verb++) {
        row(out, verb->name, NAME_COLUMN, verb->summary);
    }
    heading(out, "topics (asim help TOPIC; asim help OPTION explains one option)");
    list_topics(out);
    heading(out, "examples");
    fputs("  asim run\n"
          "  asim run --instances 4 --request-rate 1/s --out results\n"
          "  asim plan my.yaml --model path/to/config.json --hardware h100-sxm\n"
          "  asim run my.yaml --workload trace.jsonl --json\n",
          out);
    heading(out, "exit status");
    fputs("  0 done, 1 internal or output error, 2 usage or configuration, 3 input data, 4 does not fit,\n"
          "  5 a comparison of a study that gates fails, 130 interrupted (partial results are written and marked)\n",
          out);
}

static void print_option(const asim_option *option)
{
    const struct human_style style = human_style(stdout);
    printf("  %s%s%s %s\n      ", style.bold, option->flag, style.plain, option->type);
    human_wrap(stdout, option->help, 6, 6, HUMAN_COLUMNS);
    printf("      in files: %s; default: %s", option->path, option->default_text ? option->default_text : "unset");
    if (option->allowed) {
        printf("\n      allowed: ");
        human_wrap(stdout, option->allowed, 15, 15, HUMAN_COLUMNS);
    } else {
        putchar('\n');
    }
}

static bool help_topic(const char *name)
{
    const char *description = NULL;
    for (size_t i = 0; asim_topic_at(i, &description); i++) {
        if (strcmp(asim_topic_at(i, NULL), name) != 0) {
            continue;
        }
        const struct human_style style = human_style(stdout);
        printf("%s%s%s: %s\n", style.bold, name, style.plain, description);
        for (size_t k = 0; k < asim_option_count(); k++) {
            if (strcmp(asim_option_at(k)->topic, name) == 0) {
                putchar('\n');
                print_option(asim_option_at(k));
            }
        }
        return true;
    }
    return false;
}

/* A path or a flag, with or without its dashes; '-', '_' and '.' are the same. */
static bool same_option(const char *a, const char *b)
{
    a += strspn(a, "-");
    b += strspn(b, "-");
    for (; *a && *b; a++, b++) {
        const bool both_separate = strchr("-_.", *a) && strchr("-_.", *b);
        if (*a != *b && !both_separate) {
            return false;
        }
    }
    return *a == *b;
}

static bool help_option(const char *name)
{
    for (size_t i = 0; i < asim_option_count(); i++) {
        const asim_option *option = asim_option_at(i);
        if (same_option(name, option->flag) || same_option(name, option->path)) {
            print_option(option);
            return true;
        }
    }
    return false;
}

/* Bytes of the first sentence; what follows an "e.g." does not begin one. */
static int first_sentence(const char *text)
{
    const char *end = strstr(text, ". ");
    while (end && !(end[2] >= 'A' && end[2] <= 'Z')) {
        end = strstr(end + 1, ". ");
    }
    return end ? (int)(end - text + 1) : (int)strlen(text);
}

/* Each flag with the first sentence of its help, and its default in brackets. */
static void list_flags(const char *topic)
{
    for (size_t i = 0; i < asim_option_count(); i++) {
        const asim_option *option = asim_option_at(i);
        if (strcmp(option->topic, topic) == 0) {
            char text[512];
            snprintf(text, sizeof text, "%.*s%s%s%s", first_sentence(option->help), option->help,
                     option->default_text ? " [" : "", option->default_text ? option->default_text : "",
                     option->default_text ? "]" : "");
            row(stdout, option->flag, FLAG_COLUMN, text);
        }
    }
}

void help_verb(const struct verb *verb)
{
    printf("asim %s: %s\n\nusage: asim %s %s%s\n", verb->name, verb->summary, verb->name, verb->operands,
           verb->takes_options ? " [--option value ...]" : "");
    if (verb->details) {
        putchar('\n');
        human_wrap(stdout, verb->details, 0, 0, HUMAN_COLUMNS);
    }
    heading(stdout, "flags");
    for (const struct own_flag *flag = own_flags; flag->name; flag++) {
        if (own_flag_is_of(flag, verb->name)) {
            char name[64];
            snprintf(name, sizeof name, "%s%s%s", flag->name, flag->value ? " " : "", flag->value ? flag->value : "");
            row(stdout, name, FLAG_COLUMN, flag->help);
        }
    }
    if (verb->takes_options) {
        fputs("\noptions of every verb, [default]; `asim help TOPIC` and `asim help OPTION` say more\n", stdout);
    }
    const char *description = NULL;
    for (size_t i = 0; verb->takes_options && asim_topic_at(i, &description); i++) {
        const char *topic = asim_topic_at(i, NULL);
        const struct human_style style = human_style(stdout);
        printf("\n%s%s%s: %s (asim help %s)\n", style.bold, topic, style.plain, description, topic);
        list_flags(topic);
    }
}

static asim_status unknown_subject(const char *name)
{
    const size_t n_options = asim_option_count();
    const char *names[n_options + 64];
    size_t n = 0;
    for (; n < n_options; n++) {
        names[n] = asim_option_at(n)->path;
    }
    for (const struct verb *verb = verbs; verb->name; verb++) {
        names[n++] = verb->name;
    }
    for (size_t i = 0; asim_topic_at(i, NULL) && n < n_options + 64; i++) {
        names[n++] = asim_topic_at(i, NULL);
    }
    const char *nearest = nearest_name(name + strspn(name, "-"), names, n);
    if (nearest) {
        return report_error(ASIM_USAGE, "no help on %s; did you mean %s?", name, nearest);
    }
    return report_error(ASIM_USAGE, "no help on %s; `asim help` lists verbs and topics", name);
}

asim_status cmd_help(struct command *command)
{
    const struct arguments *arguments = &command->arguments;
    if (!arguments->n_operands) {
        help_short(stdout);
    }
    for (size_t i = 0; i < arguments->n_operands; i++) {
        const char *name = arguments->operands[i];
        const struct verb *verb = verb_find(name);
        if (i) {
            putchar('\n');
        }
        if (verb) {
            help_verb(verb);
        } else if (!help_topic(name) && !help_option(name)) {
            return unknown_subject(name);
        }
    }
    return ASIM_OK;
}
