#include "cli/crash.h"

#include "asim/asim.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

static const struct {
    int number;
    const char *name;
} signals[] = {
    {SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"}, {SIGFPE, "SIGFPE"}, {SIGILL, "SIGILL"}, {SIGABRT, "SIGABRT"},
};

enum { SIGNALS = sizeof signals / sizeof signals[0] };

/* What was there before: a sanitizer's handler, or none. */
static struct sigaction before[SIGNALS];

/* For a policy that has run out of stack on the first thread. */
static char stack[1 << 16];

static void say(const char *text)
{
    const ssize_t written = write(STDERR_FILENO, text, strlen(text));
    (void)written; /* there is nothing left to do about it */
}

static void on_signal(int number)
{
    size_t i = 0;
    while (signals[i].number != number) {
        i++;
    }
    const char *function = NULL;
    const char *policy = asim_policy_in_call(&function);
    if (!policy) {
        sigaction(number, &before[i], NULL);
        raise(number); /* once this handler has returned */
        return;
    }
    say("error: policy ");
    say(policy);
    say(" has crashed in its function ");
    say(function);
    say(" (");
    say(signals[i].name);
    say(")\n");
    _exit(asim_status_exit_code(ASIM_INTERNAL));
}

void crash_report_install(void)
{
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < SIGNALS; i++) {
        sigaction(signals[i].number, &action, &before[i]);
    }
}
