#include "support/support.h"

#include "asim/asim.h"

#include <jansson.h>
#include <string.h>

static json_t *document_of(asim_status (*make)(asim_config *config, const char *name, char **out), const char *name,
                           const char *parameters)
{
    asim_config *config = asim_config_create();
    if (parameters) {
        assert_int_equal(asim_config_set(config, "policy_parameters", parameters), ASIM_OK);
    }
    assert_int_equal(asim_config_resolve(config), ASIM_OK);
    char *text = NULL;
    assert_int_equal(make(config, name, &text), ASIM_OK);
    assert_int_equal(asim_config_message_count(config), 0);
    json_t *document = json_loads(text, 0, NULL);
    assert_non_null(document);
    asim_free(text);
    asim_config_destroy(config);
    return document;
}

static void refused(asim_status (*make)(asim_config *config, const char *name, char **out), const char *name,
                    const char *parameters, const char *expected)
{
    asim_config *config = asim_config_create();
    if (parameters) {
        assert_int_equal(asim_config_set(config, "policy_parameters", parameters), ASIM_OK);
    }
    assert_int_equal(asim_config_resolve(config), ASIM_OK);
    char *text = NULL;
    assert_int_equal(make(config, name, &text), ASIM_USAGE);
    assert_null(text);
    assert_non_null(strstr(asim_config_message(config, 0, NULL), expected));
    asim_config_destroy(config);
}

static const char *text_at(const json_t *document, const char *key, size_t index)
{
    return json_string_value(json_array_get(json_object_get(document, key), index));
}

static void what_a_policy_is(void **state)
{
    (void)state;
    json_t *document = document_of(asim_policy_show, "session-affinity", NULL);
    assert_string_equal(json_string_value(json_object_get(document, "schema")), "asim.policy");
    assert_string_equal(json_string_value(json_object_get(document, "abi")), "1.2");
    assert_string_equal(text_at(document, "planes", 0), "routing");
    assert_string_equal(text_at(document, "functions", 0), "route");
    assert_string_equal(text_at(document, "flags", 0), "reads view");
    assert_true(json_is_false(json_object_get(document, "oracle")));
    assert_true(json_is_null(json_object_get(document, "path")));
    const json_t *parameter = json_array_get(json_object_get(document, "parameters"), 1);
    assert_string_equal(json_string_value(json_object_get(parameter, "name")), "load_limit");
    assert_string_equal(json_string_value(json_object_get(parameter, "default")), "2");
    assert_string_equal(json_string_value(json_object_get(parameter, "allowed")), "number, >= 1");
    json_decref(document);
    refused(asim_policy_show, "session-afinity", NULL, "did you mean session-affinity?");
    refused(asim_policy_show, "./absent.so", NULL, "cannot open shared object file");
}

static void what_a_test_says(void **state)
{
    (void)state;
    json_t *document = document_of(asim_policy_test, "session-affinity", NULL);
    assert_string_equal(json_string_value(json_object_get(document, "schema")), "asim.policy_test");
    assert_int_equal(json_array_size(json_object_get(document, "runs")), 4);
    assert_true(json_is_false(json_object_get(document, "changes_results"))); /* it is what runs anyway */
    json_decref(document);
    document = document_of(asim_policy_test, "round-robin", NULL);
    assert_true(json_is_true(json_object_get(document, "changes_results")));
    assert_true(json_is_true(json_object_get(document, "deterministic")));
    json_decref(document);
    document = document_of(asim_policy_test, "session-affinity", "load_limit=1");
    json_decref(document);
    refused(asim_policy_test, "session-affinity", "load_limit=0", "out of range");
}

static void texts_for_building(void **state)
{
    (void)state;
    assert_non_null(strstr(asim_policy_header(), "#define ASIM_POLICY_ABI_MAJOR 1"));
    assert_non_null(strstr(asim_policy_template(), ".name = \"NAME\""));
    const char *function = "";
    assert_null(asim_policy_in_call(&function));
    assert_null(function);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_policy_is),
        cmocka_unit_test(what_a_test_says),
        cmocka_unit_test(texts_for_building),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
