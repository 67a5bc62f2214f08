#include "support/support.h"

#include "base/fingerprint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void put(const char *folder, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static struct fingerprint of(const char *folder, const char *name)
{
    char path[256];
    struct fingerprint fingerprint;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_true(fingerprint_take(path, &fingerprint));
    return fingerprint;
}

static void files_and_folders(void **state)
{
    (void)state;
    char folder[] = "/tmp/asim-fingerprint-XXXXXX";
    assert_non_null(mkdtemp(folder));
    put(folder, "a", "");
    const struct fingerprint empty = of(folder, "a");
    char text[FINGERPRINT_TEXT_BYTES];
    fingerprint_text(&empty, text);
    assert_string_equal(text, "99aa06d3014798d86001c324468d497f"); /* XXH3-128 of nothing */
    assert_int_equal(empty.bytes, 0);
    put(folder, "a", "words");
    const struct fingerprint words = of(folder, "a");
    assert_int_equal(words.bytes, 5);
    assert_false(fingerprint_equal(&empty, &words));

    const struct fingerprint one = of(folder, ".");
    put(folder, "b", "");
    const struct fingerprint two = of(folder, ".");
    assert_int_equal(one.bytes, two.bytes);
    assert_false(fingerprint_equal(&one, &two));
    char from[256];
    char to[256];
    snprintf(from, sizeof from, "%s/b", folder);
    snprintf(to, sizeof to, "%s/c", folder);
    rename(from, to);
    const struct fingerprint renamed = of(folder, ".");
    assert_false(fingerprint_equal(&two, &renamed));
    unlink(to);
    const struct fingerprint again = of(folder, ".");
    assert_true(fingerprint_equal(&one, &again));

    snprintf(from, sizeof from, "%s/a", folder);
    unlink(from);
    struct fingerprint none;
    assert_false(fingerprint_take(from, &none));
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(files_and_folders)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
