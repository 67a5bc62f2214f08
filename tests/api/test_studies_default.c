/* Every built-in study runs to its end. */
#include "support/support.h"

#include <asim/asim.h>
#include <jansson.h>

#include <string.h>

static void all_run(void **state)
{
    (void)state;
    asim_config *config = asim_config_create();
    char *list = NULL;
    assert_int_equal(asim_list(config, "studies", &list), ASIM_OK);
    json_t *document = json_loads(list, 0, NULL);
    const json_t *items = json_object_get(document, "items");
    assert_true(json_array_size(items) > 10);
    for (size_t i = 0; i < json_array_size(items); i++) {
        const char *name = json_string_value(json_object_get(json_array_get(items, i), "name"));
        char *out = NULL;
        if (asim_study(config, name, NULL, NULL, &out) != ASIM_OK) {
            fail_msg("%s: %s", name, asim_config_message(config, asim_config_message_count(config) - 1, NULL));
        }
        asim_free(out);
    }
    json_decref(document);
    asim_free(list);
    asim_config_destroy(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_run)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
