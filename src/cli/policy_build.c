#include "cli/policy_build.h"

#include "cli/folder.h"
#include "cli/messages.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { MOST_WORDS = 64 };

/* Contraction and fast-math would make results depend on the machine. */
static const char *const flags[] = {"-std=gnu17",        "-O2",     "-g",    "-Wall", "-Wextra",
                                    "-ffp-contract=off", "-shared", "-fPIC", NULL};

static bool write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    const bool written = file && fputs(text, file) >= 0;
    return (file && fclose(file) == 0) && written;
}

static void headers_remove(char *folder)
{
    folder_remove(folder);
    free(folder);
}

static const char *temporary_place(void)
{
    const char *given = getenv("TMPDIR");
    return given && *given ? given : "/tmp";
}

/* A folder of its own that holds asim/policy.h; NULL with errno set. Removed and freed by headers_remove. */
static char *headers_make(void)
{
    char *beside = folder_join(temporary_place(), "asim-policy");
    char *folder = folder_temporary(beside);
    free(beside);
    if (!folder) {
        return NULL;
    }
    char *below = folder_join(folder, "asim");
    char *file = folder_join(below, "policy.h");
    const bool made = folder_create(below) && write_text(file, asim_policy_header());
    free(below);
    free(file);
    if (made) {
        return folder;
    }
    headers_remove(folder);
    return NULL;
}

/* $CC may hold words, such as a cache before the compiler. */
static size_t split_words(char *text, char **words)
{
    size_t n = 0;
    char *rest = NULL;
    for (char *word = strtok_r(text, " \t", &rest); word && n < MOST_WORDS / 2; word = strtok_r(NULL, " \t", &rest)) {
        words[n++] = word;
    }
    return n;
}

static asim_status run(char **words, const char *source)
{
    pid_t child;
    const int failed = posix_spawnp(&child, words[0], NULL, NULL, words, environ);
    if (failed) {
        return report_error(ASIM_USAGE, "the compiler %s cannot be run: %s; set CC to a C compiler", words[0],
                            strerror(failed));
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
        return report_error(ASIM_USAGE, "the compiler %s cannot be run; set CC to a C compiler", words[0]);
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0
               ? ASIM_OK
               : report_error(ASIM_INPUT, "%s does not compile; the messages above are of %s", source, words[0]);
}

static asim_status compile(const char *source, const char *target, const char *headers)
{
    const char *chosen = getenv("CC");
    char *compiler = strdup(chosen && strspn(chosen, " \t") < strlen(chosen) ? chosen : "cc");
    char *include = malloc(strlen(headers) + 3);
    sprintf(include, "-I%s", headers);
    char *words[MOST_WORDS];
    size_t n = split_words(compiler, words);
    for (size_t i = 0; flags[i]; i++) {
        words[n++] = (char *)flags[i];
    }
    char *const rest[] = {include, "-o", (char *)target, (char *)source, "-lm"};
    memcpy(words + n, rest, sizeof rest);
    words[n + sizeof rest / sizeof rest[0]] = NULL;
    const asim_status status = run(words, source);
    free(compiler);
    free(include);
    return status;
}

asim_status policy_build(const char *source)
{
    const size_t n = strlen(source);
    if (n < 3 || strcmp(source + n - 2, ".c") != 0) {
        return report_error(ASIM_USAGE, "policy build: %s is no C file; allowed: FILE.c", source);
    }
    if (access(source, R_OK) != 0) {
        return report_error(ASIM_INPUT, "%s: %s", source, strerror(errno));
    }
    char *target = malloc(n + 2);
    snprintf(target, n + 2, "%.*s.so", (int)n - 2, source);
    char *headers = headers_make();
    const asim_status status = headers ? compile(source, target, headers)
                                       : report_error(ASIM_IO, "no folder for asim/policy.h can be made in %s: %s",
                                                      temporary_place(), strerror(errno));
    if (headers) {
        headers_remove(headers);
    }
    if (status == ASIM_OK) {
        printf("%s\n", target);
    }
    free(target);
    return status;
}
