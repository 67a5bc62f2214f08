#include "cli/policy_build.h"

#include "cli/messages.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { PATH_BYTES = 4096, MOST_WORDS = 64 };

/* Contraction and fast-math would make results depend on the machine. */
static const char *const flags[] = {"-std=gnu17",        "-O2",     "-g",    "-Wall", "-Wextra",
                                    "-ffp-contract=off", "-shared", "-fPIC", NULL};

/* A folder of its own that holds asim/policy.h. */
struct headers {
    char folder[PATH_BYTES];
    char below[PATH_BYTES + 8];
    char file[PATH_BYTES + 24];
};

static bool write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    const bool written = file && fputs(text, file) >= 0;
    return (file && fclose(file) == 0) && written;
}

static bool headers_make(struct headers *headers)
{
    const char *temporary = getenv("TMPDIR");
    snprintf(headers->folder, sizeof headers->folder, "%s/asim-policy-XXXXXX",
             temporary && *temporary ? temporary : "/tmp");
    if (!mkdtemp(headers->folder)) {
        return false;
    }
    snprintf(headers->below, sizeof headers->below, "%s/asim", headers->folder);
    snprintf(headers->file, sizeof headers->file, "%s/policy.h", headers->below);
    return mkdir(headers->below, 0700) == 0 && write_text(headers->file, asim_policy_header());
}

static void headers_remove(const struct headers *headers)
{
    unlink(headers->file);
    rmdir(headers->below);
    rmdir(headers->folder);
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

static asim_status compile(const char *source, const char *target, const struct headers *headers)
{
    const char *chosen = getenv("CC");
    char *compiler = strdup(chosen && strspn(chosen, " \t") < strlen(chosen) ? chosen : "cc");
    char include[PATH_BYTES + 2];
    snprintf(include, sizeof include, "-I%s", headers->folder);
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
    struct headers headers = {0};
    asim_status status = headers_make(&headers)
                             ? compile(source, target, &headers)
                             : report_error(ASIM_IO, "%s cannot be made: %s", headers.folder, strerror(errno));
    headers_remove(&headers);
    if (status == ASIM_OK) {
        printf("%s\n", target);
    }
    free(target);
    return status;
}
