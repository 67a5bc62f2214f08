#include "cli/bench_table.h"
#include "cli/command.h"
#include "cli/messages.h"
#include "cli/number_list.h"
#include "cli/watch.h"

enum { MAX_THREADS = 1024, MAX_REPEATS = 1000 };

/* The lists of the command line; all errors are printed. */
static asim_status parse_lists(const struct arguments *arguments, struct number_list *threads,
                               struct number_list *sizes, uint32_t *repeats)
{
    const asim_status statuses[] = {number_list_parse(threads, "--threads-list", arguments->threads_list, MAX_THREADS),
                                    number_list_parse(sizes, "--sizes", arguments->sizes, UINT64_C(1) << 40),
                                    number_list_one("--repeats", arguments->repeats, MAX_REPEATS, repeats)};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        if (statuses[i] != ASIM_OK) {
            return statuses[i];
        }
    }
    return ASIM_OK;
}

static asim_status print_bench(const struct command *command, char *document)
{
    if (command_is_on(command, "json")) {
        command_print_document(command, document);
        return ASIM_OK;
    }
    const int failed = bench_table_print(stdout, document);
    asim_free(document);
    return failed ? report_error(ASIM_INTERNAL, "the benchmark is not of the version this program reads") : ASIM_OK;
}

static asim_status measure(struct command *command, const asim_bench_options *options)
{
    char *document = NULL;
    struct watch watch;
    watch_begin(&watch, command->config);
    const asim_status status = asim_bench(command->config, options, &watch.callbacks, &document);
    watch_end(&watch);
    report_config(command->config);
    if (status == ASIM_INTERRUPTED) {
        report_error(status, "interrupted before all runs were over: there are no figures");
    }
    return document ? print_bench(command, document) : status;
}

asim_status cmd_bench(struct command *command)
{
    struct number_list threads, sizes;
    uint32_t repeats;
    asim_status status = parse_lists(&command->arguments, &threads, &sizes, &repeats);
    if (status == ASIM_OK) {
        status = command_configure(command);
    }
    if (status != ASIM_OK || command_print_config(command)) {
        return status;
    }
    command_warn_of_out(command);
    uint32_t counts[NUMBER_LIST_MAX];
    for (size_t i = 0; i < threads.n; i++) {
        counts[i] = (uint32_t)threads.numbers[i];
    }
    const asim_bench_options options = {.struct_size = sizeof options,
                                        .threads = counts,
                                        .n_threads = threads.n,
                                        .sizes = sizes.numbers,
                                        .n_sizes = sizes.n,
                                        .repeats = repeats,
                                        .control = command->arguments.control};
    return measure(command, &options);
}
