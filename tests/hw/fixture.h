/* Files and what their reader says about them: NAME beside NAME.expected, which holds every error, one per line (empty
 * for a good file). ASIM_WRITE_EXPECTED=1 writes the expectations instead, to be reviewed. */
#ifndef ASIM_TESTS_HW_FIXTURE_H
#define ASIM_TESTS_HW_FIXTURE_H

#include "support/support.h"

#include "base/diag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef asim_status (*fixture_parse)(const char *text, size_t bytes, const char *name, struct diag *diag);

enum { FIXTURE_SIZE = 1 << 16 };

static inline size_t fixture_read(const char *path, char *out)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t n = fread(out, 1, FIXTURE_SIZE - 1, file);
    out[n] = '\0';
    fclose(file);
    return n;
}

static inline void fixture_check(const char *folder, const char *name, fixture_parse parse)
{
    static char text[FIXTURE_SIZE];
    static char expected[FIXTURE_SIZE];
    static char got[FIXTURE_SIZE];
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    const size_t bytes = fixture_read(test_path(path), text);
    struct diag diag;
    diag_init(&diag);
    const asim_status status = parse(text, bytes, name, &diag);
    size_t used = 0;
    got[0] = '\0';
    for (size_t i = 0; i < diag.n_entries; i++) {
        used += (size_t)snprintf(got + used, sizeof got - used, "%s\n", diag.entries[i].text);
    }
    assert_int_equal(status, used ? ASIM_USAGE : ASIM_OK);
    assert_int_equal(status, diag.status);
    diag_fini(&diag);
    snprintf(path, sizeof path, "%s/%s.expected", folder, name);
    if (getenv("ASIM_WRITE_EXPECTED")) {
        FILE *file = fopen(test_path(path), "wb");
        assert_non_null(file);
        fputs(got, file);
        fclose(file);
    }
    fixture_read(test_path(path), expected);
    assert_string_equal(got, expected);
}

#endif
