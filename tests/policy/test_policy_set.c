#include "support/support.h"

#include "policy/policy_set.h"

#include <string.h>

static struct diag diag;
static struct policy_set set;

static bool open_set(const struct policy_choice *choice)
{
    diag_fini(&diag);
    diag_init(&diag);
    return policy_set_open(&set, choice, &diag);
}

/* A choice that is refused with this one error. */
static void refused(const struct policy_choice *choice, const char *message)
{
    assert_false(open_set(choice));
    assert_int_equal(diag.status, ASIM_USAGE);
    assert_int_equal(diag.n_errors, 1);
    assert_string_equal(diag.entries[0].text, message);
}

/* The same where the list of what is allowed grows with the policies. */
static void refused_as(const struct policy_choice *choice, const char *beginning)
{
    assert_false(open_set(choice));
    assert_int_equal(diag.n_errors, 1);
    assert_memory_equal(diag.entries[0].text, beginning, strlen(beginning));
    assert_non_null(strstr(diag.entries[0].text, "session-affinity"));
}

static void nothing_chosen(void **state)
{
    (void)state;
    assert_true(open_set(&(struct policy_choice){0}));
    assert_string_equal(set.retention.policy->name, "lru");
    assert_string_equal(set.scheduling.policy->name, "fcfs");
    assert_string_equal(set.routing.policy->name, "session-affinity");
    assert_true(set.routing.parameters[0] == 0.95 && set.routing.parameters[1] == 2.0);
    assert_true(policy_is_passive(set.retention.policy) && policy_is_passive(set.scheduling.policy));
    assert_false(policy_set_has_oracle(&set));
    policy_set_close(&set);
}

static void planes_override_the_whole(void **state)
{
    (void)state;
    assert_true(open_set(&(struct policy_choice){.policy = "round-robin"}));
    assert_string_equal(set.routing.policy->name, "round-robin");
    assert_string_equal(set.retention.policy->name, "lru");
    policy_set_close(&set);
    assert_true(open_set(&(struct policy_choice){
        .policy = "round-robin", .planes = {[POLICY_ROUTING] = "least-loaded", [POLICY_SCHEDULING] = "fcfs"}}));
    assert_string_equal(set.routing.policy->name, "least-loaded");
    policy_set_close(&set);
}

/* A policy that was chosen and has no say is worth a word. */
static void a_policy_that_decides_nothing(void **state)
{
    (void)state;
    assert_true(open_set(&(struct policy_choice){.policy = "round-robin", .planes = {[POLICY_ROUTING] = "random"}}));
    assert_int_equal(diag.n_entries, 1);
    assert_string_equal(diag.entries[0].text, "policy: 'round-robin' decides nothing: its planes are given to others");
    policy_set_close(&set);
    assert_true(open_set(&(struct policy_choice){.policy = "continuum", .planes = {[POLICY_RETENTION] = "ttl"}}));
    assert_int_equal(diag.n_entries, 0);
    policy_set_close(&set);
}

static void wrong_names(void **state)
{
    (void)state;
    assert_false(open_set(&(struct policy_choice){.policy = "no-such", .planes = {[POLICY_ROUTING] = "neither"}}));
    assert_int_equal(diag.n_errors, 2);
    refused_as(&(struct policy_choice){.planes = {[POLICY_ROUTING] = "lru"}},
               "routing: 'lru' is a policy of retention; allowed: round-robin, ");
    refused_as(&(struct policy_choice){.planes = {[POLICY_ROUTING] = "session-afinity"}},
               "routing: 'session-afinity' is not a policy; did you mean session-affinity?; allowed: round-robin, ");
}

static void parameters_and_their_presets(void **state)
{
    (void)state;
    const struct policy_preset presets[] = {{"session-affinity", "load_limit", 3.0}, {"other", "pressure_limit", 0.1}};
    struct policy_choice choice = {.presets = presets, .n_presets = 2};
    assert_true(open_set(&choice));
    assert_true(set.routing.parameters[0] == 0.95 && set.routing.parameters[1] == 3.0);
    policy_set_close(&set);
    choice.parameters = " session-affinity.load_limit = 1.5 ,pressure_limit=0.5";
    assert_true(open_set(&choice));
    assert_true(set.routing.parameters[0] == 0.5 && set.routing.parameters[1] == 1.5);
    policy_set_close(&set);
}

#define ALLOWED                                                                                                        \
    "; allowed: session-affinity.pressure_limit (number, 0 to 1), session-affinity.load_limit (number, >= 1)"

static void wrong_parameters(void **state)
{
    (void)state;
    refused(&(struct policy_choice){.parameters = "ttl=2s"}, "policy_parameters: 'ttl' is not a parameter" ALLOWED);
    refused(&(struct policy_choice){.parameters = "lru.load_limit=2"},
            "policy_parameters: 'lru.load_limit' is not a parameter" ALLOWED);
    refused(&(struct policy_choice){.parameters = "load_limit"},
            "policy_parameters: 'load_limit' is not name=value" ALLOWED);
    refused(&(struct policy_choice){.parameters = "load_limit=2,"}, "policy_parameters: '' is not name=value" ALLOWED);
    refused(&(struct policy_choice){.parameters = "load_limit=2,load_limit=3"},
            "policy_parameters: 'load_limit' is given twice" ALLOWED);
    refused(&(struct policy_choice){.parameters = "load_limit=0.5"},
            "policy_parameters: session-affinity.load_limit: '0.5' is out of range; allowed: >= 1");
    refused(&(struct policy_choice){.parameters = "pressure_limit=2s"},
            "policy_parameters: session-affinity.pressure_limit: '2s' is not a number; allowed: a decimal number, "
            "e.g. 1.5");
    refused(&(struct policy_choice){.parameters = "pressure_limit=1", .planes = {[POLICY_ROUTING] = "least-loaded"}},
            "policy_parameters: 'pressure_limit' is not a parameter; allowed: none, the policies of this run have no "
            "parameters");
    assert_false(open_set(&(struct policy_choice){.parameters = "a=1,b=2"}));
    assert_int_equal(diag.n_errors, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_chosen),
        cmocka_unit_test(planes_override_the_whole),
        cmocka_unit_test(a_policy_that_decides_nothing),
        cmocka_unit_test(wrong_names),
        cmocka_unit_test(parameters_and_their_presets),
        cmocka_unit_test(wrong_parameters),
    };
    diag_init(&diag);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    diag_fini(&diag);
    return failed;
}
