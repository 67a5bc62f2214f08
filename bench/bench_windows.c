/* The windows engine beside the serial one, in turn within one run: a sixteenth of configs/studies/million.yaml, 64
 * instances and 20,000 programs (10,000 where the router sees exact states). Read the ratios; `asim bench` says more
 * about one machine. */
#include "support/bench.h"

#include "asim/asim.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { WAYS = 3 };

static const struct way {
    const char *synchronization;
    const char *threads;
} ways[WAYS] = {{"serial", "1"}, {"windows", "1"}, {"windows", "2"}};

static asim_config *configure(const struct way *way, const char *view, const char *programs)
{
    asim_config *config = asim_config_create();
    const char *const options[][2] = {{"programs", programs},
                                      {"instances", "64"},
                                      {"request_rate", "75/s"},
                                      {"router.view", view},
                                      {"synchronization", way->synchronization},
                                      {"threads", way->threads}};
    asim_status status = asim_config_load(config, ASIM_SOURCE_FOLDER "/configs/studies/million.yaml");
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        status = status == ASIM_OK ? asim_config_set(config, options[i][0], options[i][1]) : status;
    }
    if (status != ASIM_OK || asim_config_resolve(config) != ASIM_OK) {
        abort();
    }
    return config;
}

/* Wall seconds of one run; its digest must be the one of every way. */
static double run_once(const struct way *way, const char *view, const char *programs, char digest[64], int64_t *turns)
{
    asim_config *config = configure(way, view, programs);
    asim_result *result = NULL;
    if (asim_run(config, NULL, &result) != ASIM_OK) {
        abort();
    }
    json_t *summary = json_loads(asim_result_summary(result), 0, NULL);
    json_t *execution = json_loads(asim_result_execution(result), 0, NULL);
    const char *found = json_string_value(json_object_get(summary, "digest"));
    if (!digest[0]) {
        strncpy(digest, found, 63);
    }
    if (strcmp(digest, found) != 0) {
        abort();
    }
    *turns = json_integer_value(json_object_get(json_object_get(summary, "turns"), "completed"));
    const double wall = json_number_value(json_object_get(execution, "wall_s"));
    json_decref(summary);
    json_decref(execution);
    asim_result_destroy(result);
    asim_config_destroy(config);
    return wall;
}

static void in_turn(struct bench_state *state, const char *view, const char *programs)
{
    double least[WAYS] = {1e9, 1e9, 1e9};
    char digest[64] = "";
    int64_t turns = 0;
    while (bench_next(state)) {
        for (int i = 0; i < WAYS; i++) {
            const double wall = run_once(&ways[i], view, programs, digest, &turns);
            least[i] = wall < least[i] ? wall : least[i];
        }
    }
    bench_counter(state, "serial_k_turns_per_s", 1e-3 * (double)turns / least[0]);
    bench_counter(state, "windows_k_turns_per_s", 1e-3 * (double)turns / least[1]);
    bench_counter(state, "two_threads_k_turns_per_s", 1e-3 * (double)turns / least[2]);
    bench_counter(state, "windows_over_serial", least[0] / least[1]);
    bench_counter(state, "speed_up_2", least[1] / least[2]);
}

static void windows_64_instances(struct bench_state *state)
{
    in_turn(state, "telemetry", "20000");
}
BENCH(windows_64_instances)

static void windows_64_instances_exact(struct bench_state *state)
{
    in_turn(state, "exact", "10000");
}
BENCH(windows_64_instances_exact)
