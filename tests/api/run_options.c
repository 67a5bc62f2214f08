#include "api/run_options.h"

#include "support/support.h"

asim_config *configure_options(const struct option *options, const struct option *more)
{
    asim_config *config = asim_config_create();
    for (const struct option *option = options; option->path; option++) {
        assert_int_equal(asim_config_set(config, option->path, option->value), ASIM_OK);
    }
    for (const struct option *option = more; option->path; option++) {
        assert_int_equal(asim_config_set(config, option->path, option->value), ASIM_OK);
    }
    assert_int_equal(asim_config_resolve(config), ASIM_OK);
    return config;
}

asim_result *run_options(const struct option *options, const struct option *more)
{
    asim_config *config = configure_options(options, more);
    asim_result *result;
    assert_int_equal(asim_run(config, NULL, &result), ASIM_OK);
    asim_config_destroy(config);
    return result;
}

char *written_of(const asim_result *result, asim_status (*write)(const asim_result *, FILE *), asim_status expected)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *file = open_memstream(&text, &bytes);
    assert_int_equal(write(result, file), expected);
    fclose(file);
    return text;
}
