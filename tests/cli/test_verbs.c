#include "support/support.h"

#include "cli/command.h"
#include "cli/interrupt.h"
#include "fake_api.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs a verb over the double of the library; what it prints on standard output. Freed by the caller. */
static char *output_of(const char *verb, const char *operand, asim_status expected)
{
    fflush(stdout);
    const int saved = dup(STDOUT_FILENO);
    FILE *file = tmpfile();
    dup2(fileno(file), STDOUT_FILENO);
    char *words[] = {"asim", (char *)verb, (char *)operand};
    struct command command = {.verb = verb_find(verb), .config = asim_config_create(), .argc = 3, .argv = words};
    asim_status status = arguments_parse(&command.arguments, command.config, verb, operand ? 1 : 0, words + 2);
    status = status == ASIM_OK ? command.verb->run(&command) : status;
    arguments_fini(&command.arguments);
    asim_config_destroy(command.config);
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    const long bytes = lseek(fileno(file), 0, SEEK_END);
    char *text = calloc(1, (size_t)bytes + 1);
    lseek(fileno(file), 0, SEEK_SET);
    assert_int_equal(read(fileno(file), text, (size_t)bytes), bytes);
    fclose(file);
    assert_int_equal(status, expected);
    return text;
}

static void says(const char *verb, const char *operand, const char *expected)
{
    char *text = output_of(verb, operand, ASIM_OK);
    if (!strstr(text, expected)) {
        fputs(text, stderr);
        fail_msg("%s does not say \"%s\"", verb, expected);
    }
    free(text);
}

static void subjects(void **state)
{
    (void)state;
    says("help", NULL, "usage: asim VERB");
    says("help", "run", "usage: asim run [FILE.yaml ...]");
    says("help", "run", "--dry-run");
    says("help", "run", "--router-telemetry-period");
    says("help", "engine", "in files: block_size; default: 16\n      allowed: 1 to 256\n");
    says("help", "block_size", "Tokens of a KV block.");
    says("help", "--block-size", "Tokens of a KV block.");
    says("help", "router.telemetry-period", "default: 100ms");
    free(output_of("help", "block_sice", ASIM_USAGE));
    free(output_of("help", "block_siz", ASIM_USAGE)); /* a beginning is not a name */
}

static void verbs_over_the_double(void **state)
{
    (void)state;
    says("run", "--print-config", "block_size: 16\n");
    says("plan", "--json", "{}\n");
    says("list", "models", "");
    says("inspect", "--json", "{}\n");
    says("inspect", "trace.jsonl", "");
    says("validate", "--measured=requests.jsonl", "");
    says("import", "--to=x.asimw", "");
    says("bench", NULL, "workload  0-0-0-0, seed 0\n"); /* what is not said is left to the library */
    says("bench", "--threads-list=1,2,4", "workload  3-0-0-0,");
    says("bench", "--control", "workload  0-0-0-1,");
    says("bench", "--json", "{\"schema\": \"asim.bench\"");
    free(output_of("bench", "--threads-list=1,,2", ASIM_USAGE));
    free(output_of("bench", "--repeats=2,3", ASIM_USAGE));
    free(output_of("bench", "--sizes=0", ASIM_USAGE));
    free(output_of("import", "trace.jsonl", ASIM_USAGE)); /* where to? */
    free(output_of("policy", NULL, ASIM_USAGE));
    free(output_of("policy", "show", ASIM_USAGE)); /* what? */
    free(output_of("policy", "bild", ASIM_USAGE));
    free(output_of("list", "model", ASIM_USAGE));
    free(output_of("list", "--json", ASIM_USAGE)); /* several documents are no document */
    free(output_of("validate", NULL, ASIM_USAGE));
    free(output_of("run", "trace.jsonl", ASIM_USAGE)); /* a workload is no configuration */
    free(output_of("run", "absent.yaml", ASIM_USAGE));
    free(output_of("run", NULL, ASIM_INTERNAL)); /* the double's summary is not one */
    says("run", "--json", "{}\n");
}

/* One signal is a wish, and only while a run is going on. */
static void interruption(void **state)
{
    (void)state;
    interrupt_begin();
    assert_false(interrupt_requested(NULL));
    raise(SIGINT);
    assert_true(interrupt_requested(NULL));
    interrupt_end();
    struct sigaction action;
    sigaction(SIGINT, NULL, &action);
    assert_true(action.sa_handler == SIG_DFL);
    interrupt_begin();
    assert_false(interrupt_requested(NULL)); /* of this run */
    interrupt_end();
}

/* The second one ends the process with the status of an interrupted run. */
static void second_interruption(void **state)
{
    (void)state;
    const pid_t child = fork();
    if (child == 0) {
        interrupt_begin();
        raise(SIGINT);
        raise(SIGINT);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 130);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(subjects), cmocka_unit_test(verbs_over_the_double),
                                       cmocka_unit_test(interruption), cmocka_unit_test(second_interruption)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
