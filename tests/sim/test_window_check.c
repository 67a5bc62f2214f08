/* The check that is always on: a turn that is ready inside a window that has been routed. */
#include "support/support.h"

#include "sim/random_cluster.h"

#include "instance/instance.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Linked in place of the instance's bound (tests/CMakeLists.txt): nothing ever comes out of an instance. */
simtime __wrap_instance_earliest_effect(const struct instance *instance);
simtime __wrap_instance_earliest_effect(const struct instance *instance)
{
    (void)instance;
    return SIMTIME_NEVER;
}

static void a_false_bound_is_found(void **state)
{
    (void)state;
    struct random_cluster cluster;
    struct cluster_coverage unused = {0};
    random_cluster_init(&cluster, 3);
    random_cluster_set(&cluster, "dispatch_latency", "1ms");
    random_cluster_set(&cluster, "synchronization", "windows");
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        random_cluster_run(&cluster, &unused);
        _exit(0);
    }
    close(ends[1]);
    char text[1024] = "";
    size_t length = 0;
    ssize_t n;
    while (length < sizeof text - 1 && (n = read(ends[0], text + length, sizeof text - 1 - length)) > 0) {
        length += (size_t)n;
    }
    text[length] = '\0';
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    random_cluster_fini(&cluster);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(text, "inside its own window"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_false_bound_is_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
