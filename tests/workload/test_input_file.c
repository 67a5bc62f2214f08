#include "support/support.h"

#include "base/mem.h"
#include "base/rng.h"
#include "workload/input_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

static char path[64];

static int make_path(void **state)
{
    (void)state;
    strcpy(path, "/tmp/asim-input-XXXXXX");
    const int file = mkstemp(path);
    return file < 0 ? -1 : close(file);
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

static void write_bytes(const void *bytes, size_t n)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    fclose(file);
}

/* Text that compresses to about half, longer than any internal chunk. */
static char *sample_text(size_t n)
{
    char *text = mem_alloc(n);
    for (size_t i = 0; i < n; i++) {
        text[i] = (char)('a' + rng_u64((struct rng_key){.seed = 3}, (uint32_t)(i / 2)) % 26);
    }
    return text;
}

static size_t gzip_bytes(const char *text, size_t n, unsigned char *out, size_t room)
{
    z_stream stream = {0};
    assert_int_equal(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    stream.next_in = (unsigned char *)text;
    stream.avail_in = (uInt)n;
    stream.next_out = out;
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return stream.total_out;
}

static void assert_reads(const char *text, size_t n)
{
    struct diag diag;
    struct input_text input;
    diag_init(&diag);
    assert_int_equal(input_file_read(path, &input, &diag), ASIM_OK);
    assert_int_equal(input.bytes, n);
    assert_true(n == 0 || memcmp(input.text, text, n) == 0);
    for (size_t i = 0; i < INPUT_PADDING; i++) {
        assert_int_equal(input.text[n + i], 0);
    }
    input_text_fini(&input);
    diag_fini(&diag);
}

static void assert_fails(const char *file, asim_status status, const char *message)
{
    struct diag diag;
    struct input_text input;
    diag_init(&diag);
    assert_int_equal(input_file_read(file, &input, &diag), status);
    assert_int_equal(diag.n_errors, 1);
    assert_null(input.text);
    if (strncmp(diag.entries[0].text, file, strlen(file)) != 0 || !strstr(diag.entries[0].text, message)) {
        fail_msg("'%s' does not say '%s'", diag.entries[0].text, message);
    }
    diag_fini(&diag);
}

enum { TEXT_BYTES = 5 << 20, ROOM = 6 << 20 };

static void reads_plain_text(void **state)
{
    (void)state;
    char *text = sample_text(TEXT_BYTES);
    write_bytes(text, TEXT_BYTES);
    assert_reads(text, TEXT_BYTES);
    write_bytes(text, 0);
    assert_reads(text, 0);
    write_bytes("\x1f", 1); /* too short for any magic number */
    assert_reads("\x1f", 1);
    mem_free(text);
}

static void reads_gzip(void **state)
{
    (void)state;
    char *text = sample_text(TEXT_BYTES);
    unsigned char *packed = mem_alloc(ROOM);
    size_t n = gzip_bytes(text, TEXT_BYTES, packed, ROOM);
    write_bytes(packed, n);
    assert_reads(text, TEXT_BYTES);
    /* Truncated at several places, in the header and in the trailer too. */
    const size_t cuts[] = {2, 9, 1000, n / 2, n - 9, n - 1};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        write_bytes(packed, cuts[i]);
        assert_fails(path, ASIM_INPUT, "gzip: the data ends too early (truncated file)");
    }
    packed[n / 2] ^= 0x55;
    write_bytes(packed, n);
    assert_fails(path, ASIM_INPUT, "gzip: ");
    /* Two members one after the other are one text. */
    n = gzip_bytes(text, 1000, packed, ROOM);
    n += gzip_bytes(text + 1000, 500, packed + n, ROOM - n);
    write_bytes(packed, n);
    assert_reads(text, 1500);
    mem_free(packed);
    mem_free(text);
}

static void reads_zstd(void **state)
{
    (void)state;
    char *text = sample_text(TEXT_BYTES);
    unsigned char *packed = mem_alloc(ROOM);
    size_t n = ZSTD_compress(packed, ROOM, text, TEXT_BYTES, 1);
    assert_false(ZSTD_isError(n));
    write_bytes(packed, n);
    assert_reads(text, TEXT_BYTES);
    const size_t cuts[] = {4, 5, 1000, n / 2, n - 1};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        write_bytes(packed, cuts[i]);
        assert_fails(path, ASIM_INPUT, "zstd: the data ends too early (truncated file)");
    }
    packed[5] ^= 0xff;
    write_bytes(packed, n);
    assert_fails(path, ASIM_INPUT, "zstd: ");
    n = ZSTD_compress(packed, ROOM, text, 1000, 1);
    n += ZSTD_compress(packed + n, ROOM - n, text + 1000, 500, 1);
    write_bytes(packed, n);
    assert_reads(text, 1500);
    mem_free(packed);
    mem_free(text);
}

static void refuses_what_is_no_file(void **state)
{
    (void)state;
    assert_fails("/nonexistent/trace.jsonl", ASIM_INPUT, "cannot be opened: No such file or directory");
    assert_fails("/tmp", ASIM_INPUT, "is a folder; a file is expected here");
    if (geteuid() != 0) { /* root may read all */
        chmod(path, 0);
        assert_fails(path, ASIM_IO, "cannot be opened: Permission denied");
    }
}

static void copies_text_with_padding(void **state)
{
    (void)state;
    struct input_text input = input_text_copy("abc", 3);
    assert_memory_equal(input.text, "abc", 4);
    assert_int_equal(input.text[2 + INPUT_PADDING], 0);
    input_text_fini(&input);
    input = input_text_copy(NULL, 0);
    assert_int_equal(input.bytes, 0);
    input_text_fini(&input);
}

static void walks_lines(void **state)
{
    (void)state;
    static const char text[] = "\xef\xbb\xbf"
                               "one\r\n\r\n \t\n  two words \n\nlast";
    struct input_lines lines;
    const char *line;
    size_t bytes;
    input_lines_init(&lines, text, sizeof text - 1);
    assert_true(input_lines_next(&lines, &line, &bytes));
    assert_int_equal(lines.line, 1);
    assert_int_equal(bytes, 3);
    assert_memory_equal(line, "one", 3);
    assert_true(input_lines_next(&lines, &line, &bytes));
    assert_int_equal(lines.line, 4);
    assert_int_equal(bytes, 9);
    assert_memory_equal(line, "two words", 9);
    assert_true(input_lines_next(&lines, &line, &bytes));
    assert_int_equal(lines.line, 6);
    assert_memory_equal(line, "last", 4);
    assert_false(input_lines_next(&lines, &line, &bytes));
    input_lines_init(&lines, "", 0);
    assert_false(input_lines_next(&lines, &line, &bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_plain_text, make_path, remove_path),
        cmocka_unit_test_setup_teardown(reads_gzip, make_path, remove_path),
        cmocka_unit_test_setup_teardown(reads_zstd, make_path, remove_path),
        cmocka_unit_test_setup_teardown(refuses_what_is_no_file, make_path, remove_path),
        cmocka_unit_test(copies_text_with_padding),
        cmocka_unit_test(walks_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
