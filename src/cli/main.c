/* asim: the command line. It uses the library's public interface and nothing below it. */
#include "cli/command.h"
#include "cli/crash.h"
#include "cli/messages.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#ifdef ASIM_JEMALLOC
/* Read by jemalloc. The state of a large cluster lies all over its memory: with huge pages a look at it seldom misses
 * the processor's translation of addresses as well as its caches. What is freed is soon needed again, so it is kept. */
extern const char *malloc_conf;
__attribute__((visibility("default"))) const char *malloc_conf =
    "thp:always,metadata_thp:auto,dirty_decay_ms:-1,muzzy_decay_ms:-1";
#endif

static int finish(asim_status status)
{
    if (fflush(stdout) || ferror(stdout)) {
        status = report_error(ASIM_IO, "cannot write to standard output: %s", strerror(errno));
    }
    return asim_status_exit_code(status);
}

static asim_status unknown_verb(const char *name)
{
    const char *names[16];
    size_t n = 0;
    for (const struct verb *verb = verbs; verb->name; verb++) {
        names[n++] = verb->name;
    }
    const char *nearest = nearest_name(name, names, n);
    if (nearest) {
        return report_error(ASIM_USAGE, "unknown verb %s; did you mean %s?", name, nearest);
    }
    return report_error(ASIM_USAGE, "unknown verb %s; `asim help` lists the verbs", name);
}

static asim_status run_verb(const struct verb *verb, int argc, char **argv)
{
    struct command command = {.verb = verb, .config = asim_config_create(), .argc = argc, .argv = argv};
    asim_status status = arguments_parse(&command.arguments, command.config, verb->name, argc - 2, argv + 2);
    if (command.arguments.help) {
        help_verb(verb);
        status = ASIM_OK;
    } else if (status == ASIM_OK) {
        status = verb->run(&command);
    } else {
        report_config(command.config);
    }
    arguments_fini(&command.arguments);
    asim_config_destroy(command.config);
    return status;
}

int main(int argc, char **argv)
{
    crash_report_install();
    if (argc < 2) {
        help_short(stderr);
        return finish(ASIM_USAGE);
    }
    const char *name = argv[1];
    if (strcmp(name, "--version") == 0 || strcmp(name, "version") == 0) {
        printf("asim %s\n", asim_version());
        return finish(ASIM_OK);
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        help_short(stdout);
        return finish(ASIM_OK);
    }
    const struct verb *verb = verb_find(name);
    return finish(verb ? run_verb(verb, argc, argv) : unknown_verb(name));
}
