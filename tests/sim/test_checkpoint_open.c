#include "support/support.h"

#include "api/config.h"
#include "base/mem.h"
#include "sim/checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct place {
    char path[160], workload[160];
    asim_config *config;
};

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static asim_config *make_config(const struct place *place, const char *seed, const char *threads)
{
    asim_config *config = asim_config_create();
    asim_config_set(config, "workload", place->workload);
    asim_config_set(config, "seed", seed);
    asim_config_set(config, "threads", threads);
    assert_int_equal(asim_config_resolve(config), ASIM_OK);
    return config;
}

static struct place make_place(void)
{
    struct place place;
    snprintf(place.path, sizeof place.path, "%s/open_%ld.asimsave", ASIM_BINARY_FOLDER, (long)getpid());
    snprintf(place.workload, sizeof place.workload, "%s/open_%ld.jsonl", ASIM_BINARY_FOLDER, (long)getpid());
    write_text(place.workload, "a workload\n");
    place.config = make_config(&place, "1", "1");
    return place;
}

static void drop_place(struct place *place)
{
    unlink(place->path);
    unlink(place->workload);
    asim_config_destroy(place->config);
}

static void save(const struct place *place)
{
    struct diag diag;
    struct checkpoint_inputs inputs;
    diag_init(&diag);
    assert_true(checkpoint_inputs_take(config_settings(place->config), &inputs, &diag));
    assert_int_equal(inputs.n, 1);
    struct store_writer *writer = store_create(place->path, &diag);
    checkpoint_save_header(config_settings(place->config), &inputs, writer);
    assert_int_equal(store_commit(writer, &diag), ASIM_OK);
    diag_fini(&diag);
}

/* Opens it for a run with `config`; what it says must hold `words`, NULL: it is accepted. */
static void check_open(const struct place *place, const asim_config *config, const char *words)
{
    struct diag diag;
    struct checkpoint_inputs inputs;
    diag_init(&diag);
    assert_true(checkpoint_inputs_take(config_settings(config), &inputs, &diag));
    struct store_reader *reader = checkpoint_open(place->path, config_settings(config), &inputs, &diag);
    assert_int_equal(reader == NULL, words != NULL);
    if (reader) {
        assert_int_equal(store_close(reader), ASIM_OK);
    } else {
        assert_int_equal(diag.n_errors, 1);
        if (!strstr(diag.entries[0].text, words)) {
            fail_msg("%s: no '%s'", diag.entries[0].text, words);
        }
    }
    diag_fini(&diag);
}

static void the_same_run(void **state)
{
    (void)state;
    struct place place = make_place();
    save(&place);
    check_open(&place, place.config, NULL);
    asim_config *threads = make_config(&place, "1", "7");
    check_open(&place, threads, NULL);
    asim_config_destroy(threads);
    drop_place(&place);
}

static void other_options(void **state)
{
    (void)state;
    struct place place = make_place();
    save(&place);
    asim_config *seed = make_config(&place, "4", "1");
    check_open(&place, seed, "written with seed: 1, which cannot change on the way; this run has 4");
    asim_config_destroy(seed);
    drop_place(&place);
}

static void another_input(void **state)
{
    (void)state;
    struct place place = make_place();
    save(&place);
    write_text(place.workload, "b workload\n");
    check_open(&place, place.config, "has changed since the run began: it had 11 bytes");
    unlink(place.workload);
    struct diag diag;
    struct checkpoint_inputs inputs;
    diag_init(&diag);
    assert_false(checkpoint_inputs_take(config_settings(place.config), &inputs, &diag));
    assert_int_equal(diag.n_errors, 1);
    diag_fini(&diag);
    drop_place(&place);
}

static void another_version(void **state)
{
    (void)state;
    struct place place = make_place();
    struct diag diag;
    diag_init(&diag);
    struct store_writer *writer = store_create(place.path, &diag);
    store_begin(writer, "asim-run", 1);
    store_put_text(writer, "0.0.7");
    store_end(writer);
    store_commit(writer, &diag);
    check_open(&place, place.config, "was written by asim 0.0.7; this is asim " ASIM_VERSION);
    writer = store_create(place.path, &diag);
    store_begin(writer, "asim-run", 99);
    store_end(writer);
    store_commit(writer, &diag);
    check_open(&place, place.config, "has version 99; allowed: 1");
    diag_fini(&diag);
    drop_place(&place);
}

static void no_checkpoint(void **state)
{
    (void)state;
    struct place place = make_place();
    check_open(&place, place.config, "cannot be opened");
    write_text(place.path, "nothing of ours");
    check_open(&place, place.config, "is not a saved state");
    drop_place(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_run),    cmocka_unit_test(other_options), cmocka_unit_test(another_input),
        cmocka_unit_test(another_version), cmocka_unit_test(no_checkpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
