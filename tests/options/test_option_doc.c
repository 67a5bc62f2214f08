#include "support/support.h"

#include "options/option_doc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        return NULL;
    }
    char *text = calloc(1, 1 << 20);
    const size_t bytes = fread(text, 1, (1 << 20) - 1, file);
    text[bytes] = '\0';
    fclose(file);
    return text;
}

/* docs/options.md is what the table says. UPDATE_GOLDEN=1 writes it anew. */
static void page_is_current(void **state)
{
    (void)state;
    char path[4096];
    snprintf(path, sizeof path, "%s", source_path("docs/options.md"));
    char *wanted = option_doc_markdown();
    if (getenv("UPDATE_GOLDEN")) {
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        fputs(wanted, file);
        fclose(file);
    }
    char *found = read_file(path);
    assert_non_null(found);
    assert_string_equal(found, wanted);
    free(found);
    free(wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(page_is_current)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
