#include "sim/bend.h"

#include <string.h>
#include <unistd.h>

/* Nothing is recorded of programs that are generated. */
static void leave_workload(struct random_cluster *cluster)
{
    const char *arrivals = random_cluster_get(cluster, "arrivals");
    if (arrivals && strcmp(arrivals, "recorded") == 0) {
        random_cluster_set(cluster, "arrivals", "zero");
    }
    unlink(random_cluster_get(cluster, "workload"));
    random_cluster_unset(cluster, "workload");
}

/* In a closed loop nothing else may name arrivals, nor where there is a rate. */
static bool names_arrivals(const char *path)
{
    return strcmp(path, "max_concurrency") == 0 || strcmp(path, "request_rate") == 0 || strcmp(path, "arrivals") == 0;
}

void bend_to(struct random_cluster *cluster, const struct bend *bend)
{
    for (size_t i = 0; i < sizeof bend->options / sizeof bend->options[0] && bend->options[i].path; i++) {
        const char *path = bend->options[i].path;
        if (names_arrivals(path)) {
            random_cluster_unset(cluster, "arrivals");
            random_cluster_unset(cluster, "request_rate");
            random_cluster_unset(cluster, "max_concurrency");
            random_cluster_unset(cluster, "client_setup");
        }
        if (strcmp(path, "generate") == 0) {
            leave_workload(cluster);
        }
        random_cluster_set(cluster, path, bend->options[i].value);
    }
}
