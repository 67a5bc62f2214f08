#include "sim/saved_run.h"

#include "support/support.h"

#include "api/config.h"
#include "sim/run_windows.h"

static bool is_due(void *user)
{
    struct cut *cut = user;
    return cut->windows++ == cut->window;
}

static bool on_pulse(void *user, const struct cluster *cluster)
{
    (void)cluster;
    struct cut *cut = user;
    return cut->pulses++ == cut->pulse;
}

struct digest run_cut(const struct random_cluster *random, const char *resume, const char *file, struct cut *cut)
{
    asim_config *config = random_cluster_config(random);
    const struct settings *settings = config_settings(config);
    struct checkpoints checkpoints = {.file = file, .is_due = is_due, .user = cut};
    struct diag diag;
    diag_init(&diag);
    assert_true(checkpoint_inputs_take(settings, &checkpoints.inputs, &diag));
    if (resume) {
        checkpoints.resume = checkpoint_open(resume, settings, &checkpoints.inputs, &diag);
        if (!checkpoints.resume) {
            fail_msg("%s", diag.entries[0].text);
        }
    }
    struct cluster *cluster = random_cluster_create(random, config, &diag);
    struct transport *transport = transport_self_create();
    const bool whole = run_windows_saved(cluster, transport, on_pulse, cut, NULL, &checkpoints, &diag);
    if (diag.n_errors) {
        fail_msg("%s", diag.entries[0].text);
    }
    assert_int_equal(whole, cut->pulses <= cut->pulse);
    const struct digest digest = recorder_digest(cluster->recorders[0]);
    transport_destroy(transport);
    cluster_destroy(cluster);
    diag_fini(&diag);
    asim_config_destroy(config);
    return digest;
}
