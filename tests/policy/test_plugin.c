#include "support/support.h"

#include "policy/plugin.h"
#include "policy/policy_call.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Tables as shared objects hand them out; loading itself is tested from outside (tests/cli/policy_test.sh). */
static struct diag diag;
static struct asim_policy checked;

static uint32_t route(const struct asim_routing *routing, const struct asim_request *request)
{
    (void)routing;
    (void)request;
    return 0;
}

static asim_time tick_period(const double *parameters)
{
    (void)parameters;
    return 1;
}

static void tick(const struct asim_context *context)
{
    (void)context;
}

static struct asim_policy good(void)
{
    return (struct asim_policy){.struct_size = sizeof(struct asim_policy),
                                .abi_major = ASIM_POLICY_ABI_MAJOR,
                                .abi_minor = ASIM_POLICY_ABI_MINOR,
                                .name = "x",
                                .tick_period = tick_period,
                                .tick = tick,
                                .route = route};
}

static bool check(const struct asim_policy *policy)
{
    diag_fini(&diag);
    diag_init(&diag);
    return policy_plugin_check("x.so", policy, &checked, &diag);
}

static void refused(const struct asim_policy *policy, const char *message)
{
    assert_false(check(policy));
    assert_int_equal(diag.status, ASIM_USAGE);
    char expected[512];
    snprintf(expected, sizeof expected, "x.so: %s", message);
    assert_string_equal(diag.entries[0].text, expected);
}

static void a_good_table(void **state)
{
    (void)state;
    const struct asim_policy policy = good();
    assert_true(check(&policy));
    assert_ptr_equal(checked.route, route);
    assert_ptr_equal(checked.tick_period, tick_period);
}

/* A table of a time when there were fewer functions: what lies behind its end is not read. */
static void a_shorter_table(void **state)
{
    (void)state;
    struct asim_policy policy = good();
    policy.struct_size = offsetof(struct asim_policy, on_turn_complete);
    assert_true(check(&policy));
    assert_null(checked.route);
    assert_ptr_equal(checked.tick, tick);
    policy.struct_size = offsetof(struct asim_policy, tick_period) - 1;
    assert_false(check(&policy));
}

static void other_versions(void **state)
{
    (void)state;
    struct asim_policy policy = good();
    policy.abi_major = 2;
    refused(&policy, "is built for policy ABI 2.2; this asim has 1.2: build it anew");
    policy = good();
    policy.abi_minor = 3;
    assert_false(check(&policy));
    assert_non_null(strstr(diag.entries[0].text, "policy ABI 1.3, with a table of"));
    policy = good();
    policy.struct_size += 8;
    assert_false(check(&policy));
    assert_non_null(strstr(diag.entries[0].text, "this asim has 1.2, with"));
}

static void names(void **state)
{
    (void)state;
    static const char *const bad[] = {
        NULL, "", "a b", "a.b", "a=b", "a/b", "a234567890123456789012345678901234567890x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct asim_policy policy = good();
        policy.name = bad[i];
        assert_false(check(&policy));
    }
}

static void with_parameter(const struct asim_parameter *parameter, const char *message)
{
    struct asim_policy policy = good();
    policy.parameters = parameter;
    policy.n_parameters = 1;
    if (message) {
        refused(&policy, message);
    } else {
        assert_true(check(&policy));
    }
}

static void parameters(void **state)
{
    (void)state;
    with_parameter(&(struct asim_parameter){"a", NULL, ASIM_NUMBER, 1, 1, 1}, NULL);
    with_parameter(&(struct asim_parameter){"a", NULL, ASIM_NUMBER, -1, -INFINITY, INFINITY}, NULL);
    with_parameter(&(struct asim_parameter){"a", NULL, ASIM_NUMBER, 3, 0, 2},
                   "the default of parameter a is 3; allowed: number, 0 to 2");
    with_parameter(&(struct asim_parameter){"a", NULL, ASIM_DURATION, 1e9, 2e9, 3e9},
                   "the default of parameter a is 1ms; allowed: duration, 2ms to 3ms");
    with_parameter(&(struct asim_parameter){"a", NULL, ASIM_NUMBER, NAN, 0, 2},
                   "the default of parameter a is NaN; allowed: number, 0 to 2");
    with_parameter(&(struct asim_parameter){"a", NULL, ASIM_NUMBER, 1, 2, 0},
                   "parameter a allows 2 to 0, which is nothing");
    with_parameter(&(struct asim_parameter){"a", NULL, ASIM_NUMBER, 1, NAN, 0},
                   "parameter a allows nan to 0, which is nothing");
    with_parameter(&(struct asim_parameter){"a", NULL, (enum asim_parameter_kind)7, 1, 0, 2},
                   "parameter a is of kind 7; allowed: ASIM_NUMBER, ASIM_DURATION");
    with_parameter(&(struct asim_parameter){"a,b", NULL, ASIM_NUMBER, 1, 0, 2},
                   "parameter 0 has no name, or one with other characters than letters, digits, '-' and '_'");
    struct asim_policy policy = good();
    policy.n_parameters = 1;
    refused(&policy, "says that it has 1 parameters, but its parameters are NULL");
    const struct asim_parameter twice[] = {{"a", NULL, ASIM_NUMBER, 1, 0, 2}, {"a", NULL, ASIM_NUMBER, 1, 0, 2}};
    policy.parameters = twice;
    policy.n_parameters = 2;
    refused(&policy, "two parameters are named a");
    policy.n_parameters = 17;
    refused(&policy, "has 17 parameters; allowed: up to 16");
}

/* All that is wrong is said at once. */
static void state_flags_and_functions(void **state)
{
    (void)state;
    struct asim_policy policy = {.struct_size = sizeof policy,
                                 .abi_major = 1,
                                 .name = "x",
                                 .state_size = POLICY_MAX_STATE_BYTES + 1,
                                 .flags = 1u << 31};
    refused(&policy, "asks for a state of 67108865 bytes; allowed: up to 67108864");
    assert_int_equal(diag.n_errors, 3);
    assert_non_null(strstr(diag.entries[1].text, "has flags 0x80000000"));
    assert_non_null(strstr(diag.entries[2].text, "no function of retention, scheduling or routing"));
}

static void hear_of_completion(const struct asim_context *context, const struct asim_completion *completion)
{
    (void)context;
    (void)completion;
}

/* What a router hears of goes with a router. */
static void hooks_without_a_router(void **state)
{
    (void)state;
    struct asim_policy policy = good();
    policy.on_complete = hear_of_completion;
    assert_true(check(&policy));
    policy.route = NULL;
    refused(&policy, "its policy x has on_submit, on_complete or route_tick; they go with a function route");
}

/* Only shared objects leave a mark. */
static void marks_of_calls(void **state)
{
    (void)state;
    const struct asim_policy policy = good();
    struct policy_plugin plugin = {0};
    struct policy_use use = policy_use_of(&policy);
    policy_enter(&use, "route");
    assert_null(policy_call.function);
    policy_leave(&use);
    use.plugin = &plugin;
    policy_enter(&use, "route");
    assert_string_equal(policy_call.policy, "x");
    assert_string_equal(policy_call.function, "route");
    policy_leave(&use);
    assert_null(policy_call.function);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_table),
        cmocka_unit_test(a_shorter_table),
        cmocka_unit_test(other_versions),
        cmocka_unit_test(names),
        cmocka_unit_test(parameters),
        cmocka_unit_test(state_flags_and_functions),
        cmocka_unit_test(hooks_without_a_router),
        cmocka_unit_test(marks_of_calls),
    };
    diag_init(&diag);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    diag_fini(&diag);
    return failed;
}
