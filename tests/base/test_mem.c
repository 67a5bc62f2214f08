#include "support/support.h"

#include "base/mem.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void growth_keeps_items(void **state)
{
    (void)state;
    uint32_t *items = NULL;
    size_t capacity = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        items = mem_grow(items, &capacity, i + 1, sizeof *items);
        assert_true(capacity > i);
        items[i] = i;
    }
    assert_int_equal(capacity, 1024);
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(items[i], i);
    }
    const size_t before = capacity;
    items = mem_grow(items, &capacity, 5, sizeof *items);
    assert_int_equal(capacity, before); /* never shrinks */
    items = mem_grow(items, &capacity, 100000, sizeof *items);
    assert_int_equal(capacity, 100000); /* a large wish is met at once */
    mem_free(items);
}

static void zeroed_and_copied(void **state)
{
    (void)state;
    unsigned char *zeros = mem_zalloc(1000);
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(zeros[i], 0);
    }
    mem_free(zeros);
    char *copy = mem_strdup("text");
    assert_string_equal(copy, "text");
    mem_free(copy);
    mem_free(NULL);
}

/* Pieces are aligned, do not overlap, and live until the arena ends, across chunks and for pieces larger than one. */
static void arena_pieces(void **state)
{
    (void)state;
    enum { PIECES = 2000 };
    struct arena arena;
    arena_init(&arena);
    unsigned char *pieces[PIECES];
    size_t total = 0;
    for (size_t i = 0; i < PIECES; i++) {
        const size_t bytes = i == 700 ? 1 << 20 : i % 700 + 1;
        pieces[i] = arena_alloc(&arena, bytes);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        memset(pieces[i], (int)(i % 251), bytes);
        total += bytes;
    }
    for (size_t i = 0; i < PIECES; i++) {
        const size_t bytes = i == 700 ? 1 << 20 : i % 700 + 1;
        assert_int_equal(pieces[i][0], i % 251);
        assert_int_equal(pieces[i][bytes - 1], i % 251);
    }
    assert_true(arena.total_bytes >= total);
    assert_string_equal(arena_strndup(&arena, "abcdef", 3), "abc");
    arena_fini(&arena);
    assert_int_equal(arena.total_bytes, 0);
    arena_fini(&arena); /* an empty one is fine */
}

/* Exhausted memory ends the process with a message. */
static void exhaustion_aborts(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    print_message("[  SKIPPED ] the sanitizer ends the process itself\n");
    skip();
#endif
    const pid_t child = fork();
    if (child == 0) {
        close(2);
        signal(SIGABRT, SIG_DFL);
        volatile size_t wish = SIZE_MAX / 2;
        mem_free(mem_alloc(wish));
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(growth_keeps_items), cmocka_unit_test(zeroed_and_copied),
                                       cmocka_unit_test(arena_pieces), cmocka_unit_test(exhaustion_aborts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
