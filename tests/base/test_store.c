#include "support/support.h"

#include "base/mem.h"
#include "base/store.h"
#include "support/packed_store.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder of its own for each test. */
struct place {
    char folder[64];
    char path[80];
    struct diag diag;
};

static void begin(struct place *place)
{
    strcpy(place->folder, "/tmp/asim-store-XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->path, sizeof place->path, "%s/state", place->folder);
    diag_init(&place->diag);
}

static int entries_of(const char *folder)
{
    int n = 0;
    DIR *entries = opendir(folder);
    assert_non_null(entries);
    while (readdir(entries)) {
        n++;
    }
    closedir(entries);
    return n - 2; /* itself and its parent */
}

static void end(struct place *place)
{
    unlink(place->path);
    assert_int_equal(entries_of(place->folder), 0);
    assert_int_equal(rmdir(place->folder), 0);
    diag_fini(&place->diag);
}

static unsigned char *bytes_of(const char *path, size_t *n)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    unsigned char *bytes = mem_alloc(1 << 16);
    *n = fread(bytes, 1, 1 << 16, file);
    fclose(file);
    return bytes;
}

/* The only error so far is `path: text`. */
static void assert_error(const struct place *place, const char *text)
{
    char expected[512];
    snprintf(expected, sizeof expected, "%s: %s", place->path, text);
    assert_int_equal(place->diag.n_errors, 1);
    assert_string_equal(place->diag.entries[0].text, expected);
}

enum { MANY = 50000 };

static void everything_comes_back(void **state)
{
    (void)state;
    struct place place;
    begin(&place);
    uint64_t *many = mem_alloc(MANY * sizeof *many);
    for (uint64_t i = 0; i < MANY; i++) {
        many[i] = i * UINT64_C(0x9E3779B97F4A7C15);
    }
    struct store_writer *writer = store_create(place.path, &place.diag);
    store_begin(writer, "first.section-1", 7);
    store_put_u8(writer, 200);
    store_put_u32(writer, UINT32_MAX - 1);
    store_put_u64(writer, UINT64_MAX - 2);
    store_put_i64(writer, INT64_MIN);
    store_put_double(writer, -0.1);
    store_put_text(writer, "caf\xc3\xa9");
    store_put_text(writer, "");
    store_put_text(writer, NULL);
    store_end(writer);
    store_begin(writer, "empty", 0);
    store_end(writer);
    store_begin(writer, "many", UINT32_MAX);
    store_put_u64(writer, MANY);
    store_put_bytes(writer, many, MANY * sizeof *many);
    store_end(writer);
    assert_int_equal(store_commit(writer, &place.diag), ASIM_OK);
    assert_int_equal(entries_of(place.folder), 1);

    struct store_reader *reader = store_open(place.path, &place.diag);
    assert_true(store_enter(reader, "first.section-1", 7));
    assert_int_equal(store_get_u8(reader), 200);
    assert_int_equal(store_get_u32(reader), UINT32_MAX - 1);
    assert_true(store_get_u64(reader) == UINT64_MAX - 2);
    assert_true(store_get_i64(reader) == INT64_MIN);
    assert_true(store_get_double(reader) == -0.1);
    char *text = store_get_text(reader);
    char *none = store_get_text(reader);
    assert_string_equal(text, "caf\xc3\xa9");
    assert_string_equal(none, "");
    assert_null(store_get_text(reader));
    mem_free(text);
    mem_free(none);
    assert_true(store_leave(reader));
    assert_true(store_enter(reader, "empty", 0) && store_leave(reader));
    assert_true(store_enter(reader, "many", UINT32_MAX));
    assert_int_equal(store_get_count(reader, sizeof *many), MANY);
    uint64_t *back = mem_alloc(MANY * sizeof *back);
    store_get_bytes(reader, back, MANY * sizeof *back);
    assert_memory_equal(many, back, MANY * sizeof *back);
    assert_true(store_leave(reader));
    assert_int_equal(store_close(reader), ASIM_OK);
    assert_int_equal(place.diag.n_entries, 0);
    mem_free(many);
    mem_free(back);
    end(&place);
}

/* Two sections: a number and a text; a number. */
static void write_small(struct place *place)
{
    struct store_writer *writer = store_create(place->path, &place->diag);
    store_begin(writer, "alpha", 1);
    store_put_u32(writer, 42);
    store_put_text(writer, "forty-two");
    store_end(writer);
    store_begin(writer, "beta", 2);
    store_put_u64(writer, UINT64_C(1) << 40);
    store_end(writer);
    assert_int_equal(store_commit(writer, &place->diag), ASIM_OK);
}

static void assert_refused(const unsigned char *bytes, size_t n)
{
    struct diag diag;
    diag_init(&diag);
    assert_null(store_open_stream(bytes_as_file(bytes, n), "state", &diag));
    assert_int_equal(diag.n_errors, 1);
    assert_int_equal(diag.status, ASIM_INPUT);
    diag_fini(&diag);
}

/* Nothing is handed out of a file that is short by any number of bytes, longer, or wrong in any bit. */
static void damage_is_noticed(void **state)
{
    (void)state;
    struct place place;
    begin(&place);
    write_small(&place);
    size_t n;
    unsigned char *bytes = bytes_of(place.path, &n);
    assert_in_range(n, 60, 300);
    for (size_t length = 0; length < n; length++) {
        unsigned char *part = mem_alloc(length + 1);
        memcpy(part, bytes, length);
        assert_refused(part, length);
        mem_free(part);
    }
    bytes[n] = 0;
    assert_refused(bytes, n + 1);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_refused(bytes, n);
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    mem_free(bytes);
    end(&place);
}

static void what_is_no_saved_state(void **state)
{
    (void)state;
    struct place place;
    begin(&place);
    assert_null(store_open(place.path, &place.diag));
    assert_error(&place, "cannot be opened: No such file or directory");
    diag_fini(&place.diag);

    FILE *file = fopen(place.path, "wb");
    fputs("programs: 7\n", file);
    fclose(file);
    diag_init(&place.diag);
    assert_null(store_open(place.path, &place.diag));
    assert_error(&place, "is not a saved state; it should begin with 'asimsave'");
    diag_fini(&place.diag);

    file = fopen(place.path, "wb");
    fwrite("asimsave\2\0\0\0", 1, 12, file);
    fclose(file);
    diag_init(&place.diag);
    assert_null(store_open(place.path, &place.diag));
    assert_error(&place, "is a saved state of format 2; allowed: 1");
    end(&place);
}

/* What a loader asks for is not what is there. */
static void wrong_sections(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t version;
        size_t bytes; /* of the first section, to be read; it has 22 */
        const char *error;
    } rows[] = {
        {"beta", 1, 0, "section 'beta' was expected, but there is 'alpha'"},
        {"alpha", 3, 0, "section 'alpha': has version 1; allowed: 3"},
        {"alpha", 1, 21, "section 'alpha': holds more than was expected"},
        {"alpha", 1, 0, "section 'alpha': holds more than was expected"},
        {"alpha", 1, 23, "section 'alpha': ends too early; at least 1 bytes more were expected"},
        {"alpha", 1, 22, "holds more sections than were expected"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct place place;
        begin(&place);
        write_small(&place);
        struct store_reader *reader = store_open(place.path, &place.diag);
        unsigned char bytes[32] = {0};
        if (store_enter(reader, rows[i].name, rows[i].version)) {
            store_get_bytes(reader, bytes, rows[i].bytes);
            store_leave(reader);
        }
        assert_int_equal(store_close(reader), ASIM_INPUT);
        assert_error(&place, rows[i].error);
        end(&place);
    }
    struct place place;
    begin(&place);
    write_small(&place);
    struct store_reader *reader = store_open(place.path, &place.diag);
    unsigned char bytes[22];
    assert_true(store_enter(reader, "alpha", 1));
    store_get_bytes(reader, bytes, sizeof bytes);
    assert_true(store_leave(reader) && store_enter(reader, "beta", 2));
    store_get_u64(reader);
    assert_true(store_leave(reader));
    assert_false(store_enter(reader, "gamma", 1));
    assert_int_equal(store_get_u64(reader), 0); /* zero once something was wrong, without a second report */
    assert_false(store_leave(reader));
    assert_false(store_enter(reader, "delta", 1));
    assert_int_equal(store_close(reader), ASIM_INPUT);
    assert_error(&place, "section 'gamma' was expected, but there is none any more");
    end(&place);
}

/* A count, a text and a loader's own finding are refused before anything is done with them. */
static void values_are_not_believed(void **state)
{
    (void)state;
    static const char *const errors[] = {
        "section 'values': 1152921504606846976 items of 8 bytes or more, but 18 bytes are left in the file",
        "section 'values': 1152921504606846976 items of 1 bytes or more, but 17 bytes are left in the file",
        "section 'values': a text begins with 2; allowed: 0, 1",
        "section 'values': a text holds a zero",
        "section 'values': 7 heads; allowed: 1",
    };
    for (int i = 0; i < 5; i++) {
        struct place place;
        begin(&place);
        struct store_writer *writer = store_create(place.path, &place.diag);
        store_begin(writer, "values", 1);
        if (i > 0) {
            store_put_u8(writer, i == 2 ? 2 : 1);
        }
        store_put_u64(writer, i == 3 ? 4 : UINT64_C(1) << 60);
        store_put_bytes(writer, i ? "ab\0defghijkl" : "abcdefghijklm", i ? 12 : 13);
        store_end(writer);
        assert_int_equal(store_commit(writer, &place.diag), ASIM_OK);

        struct store_reader *reader = store_open(place.path, &place.diag);
        assert_true(store_enter(reader, "values", 1));
        if (i == 0) {
            assert_int_equal(store_get_count(reader, 8), 0);
        } else if (i == 4) {
            store_refuse(reader, "%d heads; allowed: %d", 7, 1);
            store_refuse(reader, "and more");
        } else {
            assert_null(store_get_text(reader));
        }
        assert_true(store_failed(reader));
        assert_false(store_leave(reader));
        assert_int_equal(store_close(reader), ASIM_INPUT);
        assert_error(&place, errors[i]);
        end(&place);
    }
}

/* Content that no writer writes, under a checksum that holds. */
static void forged_content(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        size_t n;
        const char *error;
    } rows[] = {
        {"", 0, "state: the file ends 1 bytes too early"},
        {"\005al", 3, "state: the file ends 3 bytes too early"},
        {"\005al\npha\1\0\0\0", 11, "state: section 'alpha' was expected, but no name of a section is there"},
        {"\003abc\1\0\0\0", 8, "state: section 'alpha' was expected, but no name of a section is there"},
        {"\005alpha\1\0", 8, "state: section 'alpha': the file ends 2 bytes too early"},
        {"\005alpha\1\0\0\0", 10, "state: section 'alpha': the file ends 4 bytes too early"},
        {"\005alpha\1\0\0\0\377\377\377\377abc", 17, "state: section 'alpha': the file ends 1 bytes too early"},
        {"\005alpha\1\0\0\0\4\0\0\0abcd\0\0\0\0", 22, "state: the file ends 1 bytes too early"},
        {"\005alpha\1\0\0\0\4\0\0\0abcd\0\0\0\0\0x", 24, "state: holds more sections than were expected"},
        {"\005alpha\1\0\0\0\3\0\0\0abc\1\0\0\0d\0\0\0\0\0", 27, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct diag diag;
        diag_init(&diag);
        size_t bytes;
        unsigned char *file = packed_store(rows[i].content, rows[i].n, &bytes);
        struct store_reader *reader = store_open_stream(bytes_as_file(file, bytes), "state", &diag);
        assert_non_null(reader);
        if (store_enter(reader, "alpha", 1)) {
            store_get_u32(reader);
            store_leave(reader);
        }
        assert_int_equal(store_close(reader), rows[i].error ? ASIM_INPUT : ASIM_OK);
        assert_int_equal(diag.n_errors, rows[i].error != NULL);
        if (rows[i].error) {
            assert_string_equal(diag.entries[0].text, rows[i].error);
        }
        mem_free(file);
        diag_fini(&diag);
    }
}

/* The earlier file stays until the new one is whole; nothing else is left in the folder. */
static void a_file_is_replaced_at_once(void **state)
{
    (void)state;
    struct place place;
    begin(&place);
    write_small(&place);
    size_t n, n_again;
    unsigned char *before = bytes_of(place.path, &n);
    struct store_writer *writer = store_create(place.path, &place.diag);
    store_begin(writer, "other", 1);
    assert_int_equal(entries_of(place.folder), 2);
    store_abandon(writer);
    store_abandon(NULL);
    unsigned char *after = bytes_of(place.path, &n_again);
    assert_int_equal(n, n_again);
    assert_memory_equal(before, after, n);
    mem_free(after);
    write_small(&place);
    after = bytes_of(place.path, &n_again);
    assert_int_equal(n, n_again);
    assert_memory_equal(before, after, n); /* and the same content is the same file */
    mem_free(before);
    mem_free(after);
    end(&place);
}

static void failures_of_writing(void **state)
{
    (void)state;
    struct place place;
    begin(&place);
    snprintf(place.path, sizeof place.path, "%s/none/state", place.folder);
    assert_null(store_create(place.path, &place.diag));
    assert_error(&place, "cannot be created: No such file or directory");
    assert_int_equal(place.diag.status, ASIM_IO);
    diag_fini(&place.diag);
    diag_init(&place.diag);
    snprintf(place.path, sizeof place.path, "%s/state", place.folder);
    assert_int_equal(mkdir(place.path, 0777), 0); /* in the way */
    struct store_writer *writer = store_create(place.path, &place.diag);
    assert_int_equal(store_commit(writer, &place.diag), ASIM_IO);
    assert_error(&place, "cannot be written: Is a directory");
    assert_int_equal(rmdir(place.path), 0);
    end(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_comes_back),      cmocka_unit_test(damage_is_noticed),
        cmocka_unit_test(what_is_no_saved_state),     cmocka_unit_test(wrong_sections),
        cmocka_unit_test(values_are_not_believed),    cmocka_unit_test(forged_content),
        cmocka_unit_test(a_file_is_replaced_at_once), cmocka_unit_test(failures_of_writing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
