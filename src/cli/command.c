#include "cli/command.h"

#include "cli/document.h"
#include "cli/messages.h"

#include <stdio.h>
#include <string.h>

const struct verb verbs[] = {
    {"run", "[FILE.yaml ...]", "simulate, and print a table of results",
     "Options come from the files in the order given, then the environment (ASIM_<OPTION>), then the command line. "
     "Without a file and without a workload the embedded scenario runs. --out DIR keeps the run as a folder.",
     true, cmd_run},
    {"plan", "[FILE.yaml ...]", "what a run would do: resolved sizes, memory fit, expected work", NULL, true, cmd_plan},
    {"validate", "[FILE.yaml ...] --measured FILE", "simulate, and compare with the times a real engine measured",
     "FILE holds one JSON object per request: input_toks, output_toks, arrival_time, queued_ts, scheduled_ts, "
     "first_token_ts, last_token_ts; its requests are those of --workload, in the same order. The dispatch latency is "
     "0 "
     "unless given: the times were taken at the engine. --json prints the whole comparison and the summary.",
     true, cmd_validate},
    {"bench", "[FILE.yaml ...]", "time the simulation on this machine: threads, speed-up, rates, memory",
     "Options are those of run. Runs alternate between the numbers of threads, after one run to warm up; one more, "
     "which is not timed, tells by the engine's own account how much faster it can be (bound). All runs must give one "
     "digest. With --control, n one-thread simulations also run side by side: what they do together is what the "
     "machine gives n threads, and against one of them a run on n threads is at best n times faster.",
     true, cmd_bench},
    {"inspect", "FILE", "describe a workload: format, counts, sizes, gaps, findings", NULL, true, cmd_inspect},
    {"import", "[FILE.yaml ...] [FILE] --to FILE", "write a workload, or generated programs, as a columnar file",
     "The FILE that is no .yaml is what --workload takes; without it, --generate or a configuration says what is "
     "written. The "
     "file "
     "is memory-mapped by run, so memory goes with the programs in progress. Options that act on reading (missing_gap, "
     "reuse_generated, shared_prefix, on_bad_line, block_size) are recorded in it; gaps that are missing stay missing "
     "unless missing_gap says how to fill them.",
     true, cmd_import},
    {"policy", "new NAME | build FILE.c | test FILE.so | show NAME|FILE.so", "write, build, test and look at policies",
     "new writes NAME.c, a commented retention policy to begin with. build compiles FILE.c to a shared object beside "
     "it, "
     "with $CC or cc and the header that this program was built with. test loads a policy, checks its table and runs a "
     "small scenario with it on one and on two threads, whose results must be the same; --policy-parameters sets its "
     "parameters. show prints planes, parameters, flags and sources. `asim run --policy ./FILE.so` uses one.",
     true, cmd_policy},
    {"list", "[models|hardware|policies|formats|generators]", "built-in things, and how far to trust them", NULL, true,
     cmd_list},
    {"help", "[VERB|TOPIC|OPTION]", "explain a verb, a topic or an option", NULL, false, cmd_help},
    {NULL, NULL, NULL, NULL, false, NULL},
};

const struct verb *verb_find(const char *name)
{
    for (const struct verb *verb = verbs; verb->name; verb++) {
        if (strcmp(verb->name, name) == 0) {
            return verb;
        }
    }
    return NULL;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text);
    const size_t m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static bool is_workload_name(const char *path)
{
    static const char *const endings[] = {".jsonl", ".json", ".gz", ".zst", ".asimw"};
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        if (ends_with(path, endings[i])) {
            return true;
        }
    }
    return false;
}

static void keep_first(asim_status *status, asim_status next)
{
    if (*status == ASIM_OK) {
        *status = next;
    }
}

asim_status command_configure(struct command *command)
{
    asim_status status = ASIM_OK;
    for (size_t i = 0; i < command->arguments.n_operands; i++) {
        const char *path = command->arguments.operands[i];
        if (is_workload_name(path)) {
            keep_first(&status,
                       report_error(ASIM_USAGE, "%s looks like a workload; give it with --workload %s", path, path));
        } else {
            keep_first(&status, asim_config_load(command->config, path));
        }
    }
    keep_first(&status, asim_config_load_environment(command->config));
    keep_first(&status, asim_config_resolve(command->config));
    report_config(command->config);
    return status;
}

bool command_print_config(struct command *command)
{
    if (!command->arguments.print_config) {
        return false;
    }
    char *yaml = asim_config_yaml(command->config, command->arguments.origin);
    fputs(yaml, stdout);
    asim_free(yaml);
    return true;
}

void command_warn_of_out(const struct command *command)
{
    char *out = asim_config_get(command->config, "out");
    if (out) {
        report_warning("%s writes no run folder: out is not used", command->verb->name);
    }
    asim_free(out);
}

bool command_is_on(const struct command *command, const char *path)
{
    char *value = asim_config_get(command->config, path);
    const bool on = value && (strcmp(value, "on") == 0 || strcmp(value, "true") == 0);
    asim_free(value);
    return on;
}

void command_print_document(const struct command *command, char *document)
{
    if (command_is_on(command, "json")) {
        fputs(document, stdout);
        fputs(ends_with(document, "\n") ? "" : "\n", stdout);
    } else {
        document_print(stdout, document);
    }
    asim_free(document);
}
