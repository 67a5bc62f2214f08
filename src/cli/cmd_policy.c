#include "cli/command.h"
#include "cli/messages.h"
#include "cli/policy_build.h"
#include "cli/policy_search.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each NAME becomes `name`. */
static void write_named(FILE *file, const char *text, const char *name)
{
    static const char mark[] = "NAME";
    const size_t n = sizeof mark - 1;
    for (const char *at = strstr(text, mark); at; at = strstr(text, mark)) {
        fwrite(text, 1, (size_t)(at - text), file);
        fputs(name, file);
        text = at + n;
    }
    fputs(text, file);
}

static bool is_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    enum { LONGEST = 40 };
    const size_t n = strlen(name);
    return n > 0 && n <= LONGEST && strspn(name, allowed) == n;
}

/* `policy new DIR/NAME` writes DIR/NAME.c. */
static asim_status write_new(struct command *command, const char *operand)
{
    (void)command;
    const char *slash = strrchr(operand, '/');
    const char *name = slash ? slash + 1 : operand;
    if (!is_name(name)) {
        return report_error(ASIM_USAGE, "policy new: %s is no name; allowed: up to 40 letters, digits, '-' and '_'",
                            operand);
    }
    char *path = malloc(strlen(operand) + 3);
    sprintf(path, "%s.c", operand);
    asim_status status = ASIM_OK;
    FILE *file = fopen(path, "wx"); /* not over one that is there */
    if (!file) {
        status = report_error(ASIM_IO, "%s: %s; policy new writes a new file only", path, strerror(errno));
    } else {
        write_named(file, asim_policy_template(), name);
        status = fclose(file) == 0 ? ASIM_OK : report_error(ASIM_IO, "%s: %s", path, strerror(errno));
    }
    if (status == ASIM_OK) {
        printf("%s\nbuild it with: asim policy build %s\n", path, path);
    }
    free(path);
    return status;
}

static asim_status build(struct command *command, const char *operand)
{
    (void)command;
    return policy_build(operand);
}

/* A shared object in this folder is a path too, which the library knows by its '/'. */
static char *policy_path(const char *operand)
{
    const size_t n = strlen(operand);
    const bool here = !strchr(operand, '/') && n > 3 && strcmp(operand + n - 3, ".so") == 0;
    char *path = malloc(n + 3);
    sprintf(path, "%s%s", here ? "./" : "", operand);
    return path;
}

static asim_status document_of(struct command *command, const char *operand,
                               asim_status (*make)(asim_config *config, const char *name, char **out))
{
    command->arguments.n_operands = 0; /* they are not files to load */
    asim_status status = command_configure(command);
    if (status != ASIM_OK) {
        return status;
    }
    char *path = policy_path(operand);
    char *document = NULL;
    status = make(command->config, path, &document);
    report_config(command->config);
    if (document) {
        command_print_document(command, document);
    }
    free(path);
    return status;
}

static asim_status test(struct command *command, const char *operand)
{
    return document_of(command, operand, asim_policy_test);
}

static asim_status show(struct command *command, const char *operand)
{
    return document_of(command, operand, asim_policy_show);
}

static asim_status search(struct command *command, const char *operand)
{
    char *path = policy_path(operand);
    const asim_status status = policy_search(command, path);
    free(path);
    return status;
}

static const struct {
    const char *name;
    asim_status (*run)(struct command *command, const char *operand);
    const char *operand;
} actions[] = {{"new", write_new, "NAME"},
               {"build", build, "FILE.c"},
               {"test", test, "FILE.so"},
               {"show", show, "NAME|FILE.so"},
               {"search", search, "NAME|FILE.so [FILE.yaml ...]"}};

asim_status cmd_policy(struct command *command)
{
    static const char *const names[] = {"new", "build", "test", "show", "search"};
    const struct arguments *arguments = &command->arguments;
    if (arguments->n_operands == 0) {
        return report_error(ASIM_USAGE, "policy needs what to do: %s", command->verb->operands);
    }
    const char *name = arguments->operands[0];
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (strcmp(actions[i].name, name) != 0) {
            continue;
        }
        const bool takes_more = actions[i].run == search;
        if (arguments->n_operands < 2 || (arguments->n_operands > 2 && !takes_more)) {
            return report_error(ASIM_USAGE, "policy %s takes one %s; %zu are given", name, actions[i].operand,
                                arguments->n_operands - 1);
        }
        return actions[i].run(command, arguments->operands[1]);
    }
    const char *nearest = nearest_name(name, names, sizeof names / sizeof names[0]);
    return report_error(ASIM_USAGE, "policy %s is nothing that can be done%s%s%s; allowed: %s", name,
                        nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "",
                        command->verb->operands);
}
