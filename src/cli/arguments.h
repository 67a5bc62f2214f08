/* The command line after the verb: flags of the option table, a few flags of the command line's own, and operands.
 *
 * `--flag value` and `--flag=value` are the same. A switch stands alone, takes on|off|true|false, or is turned off by
 * `--no-`. `--` ends the flags.
 */
#ifndef ASIM_CLI_ARGUMENTS_H
#define ASIM_CLI_ARGUMENTS_H

#include "asim/asim.h"

/* A flag that is not an option of the simulation. */
struct own_flag {
    const char *name;
    const char *value; /* placeholder, NULL: a switch */
    const char *verbs; /* names of the verbs that take it, separated by spaces */
    const char *help;
};

/* Ends with a NULL name. */
extern const struct own_flag own_flags[];

bool own_flag_is_of(const struct own_flag *flag, const char *verb);

struct arguments {
    bool help;
    bool dry_run;
    bool print_config;
    bool origin;
    const char *measured; /* NULL: not given */
    const char *to;       /* the same */
    const char *resume;   /* the same */
    const char *threads_list, *sizes, *repeats;
    const char *jobs, *samples, *metric;
    bool highest;
    const char **vary; /* each --vary */
    size_t n_vary;
    bool control;
    const char **operands;
    size_t n_operands;
};

/* Parses argv[0 .. argc) for the verb and sets options in `config`; errors are printed, all of them, except those of
 * values, which stay in `config` as messages. Free with arguments_fini. */
asim_status arguments_parse(struct arguments *out, asim_config *config, const char *verb, int argc, char **argv);
void arguments_fini(struct arguments *arguments);

#endif
