#include "cli/interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

/* A signal handler has nothing but static storage to speak through. */
static volatile sig_atomic_t requests;
static struct sigaction previous_int;
static struct sigaction previous_term;

static void on_signal(int signal)
{
    (void)signal;
    static const char first[] = "\ninterrupted: writing partial results (again to quit at once)\n";
    requests = requests + 1;
    if (requests > 1) {
        _exit(130);
    }
    if (write(STDERR_FILENO, first, sizeof first - 1) < 0) {
        return; /* nobody listens */
    }
}

void interrupt_begin(void)
{
    requests = 0;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, &previous_int);
    sigaction(SIGTERM, &action, &previous_term);
}

void interrupt_end(void)
{
    sigaction(SIGINT, &previous_int, NULL);
    sigaction(SIGTERM, &previous_term, NULL);
}

bool interrupt_requested(void *user)
{
    (void)user;
    return requests > 0;
}
