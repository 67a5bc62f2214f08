#include "sim/small_cluster.h"

#include "support/support.h"

#include "api/config.h"

void small_cluster_init(struct small_cluster *small, const char *const (*options)[2], size_t n)
{
    small->config = asim_config_create();
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(asim_config_set(small->config, options[i][0], options[i][1]), ASIM_OK);
    }
    assert_int_equal(asim_config_resolve(small->config), ASIM_OK);
    diag_init(&small->diag);
    small->cluster = cluster_create(config_settings(small->config), 0, 1, &small->diag);
    assert_non_null(small->cluster);
    small->transport = transport_self_create();
}

void small_cluster_fini(struct small_cluster *small)
{
    transport_destroy(small->transport);
    cluster_destroy(small->cluster);
    diag_fini(&small->diag);
    asim_config_destroy(small->config);
}
