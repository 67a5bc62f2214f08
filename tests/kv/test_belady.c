#include "support/support.h"

#include "base/mem.h"
#include "base/rng.h"
#include "kv/belady.h"
#include "kv/plain_pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 4 };

/* ---- by hand ---- */

static void access_page(struct belady *belady, uint32_t page, bool hit)
{
    const struct extent extent = {.stream = stream_private(page, 0), .count = BLOCK};
    const struct content content = {.extents = &extent, .n_extents = 1, .n_tokens = BLOCK};
    belady_access(belady, content, 1, hit);
}

/* The reference string of operating-system textbooks (Silberschatz, Galvin and Gagne, chapter on virtual memory), for
 * which demand paging has nine optimal faults with three frames. Six pages come for the first time. Of the 14 reuses
 *
 *     0: 2-5 5-7 7-11 11-16 16-19    1: 3-14 14-17 17-20    2: 4-9 9-13 13-15    3: 6-10 10-12    7: 1-18
 *
 * four lie over the gap after the 4th access, so 1-18 goes, and over that after the 6th, so 3-14 goes; the other 12
 * fit. That is eight misses: page 4, which is never used again, need not take the place of another one, as it must in
 * demand paging. With four frames only 1-18 goes. */
static void the_textbook_example(void **state)
{
    (void)state;
    static const uint32_t pages[] = {7, 0, 1, 2, 0, 3, 0, 4, 2, 3, 0, 3, 2, 1, 2, 0, 1, 7, 0, 1};
    struct belady *belady = belady_create(BLOCK);
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        access_page(belady, pages[i], i == 4);
    }
    static const uint64_t optimal[] = {[0] = 20, [3] = 8, [4] = 7, [5] = 6, [6] = 6};
    for (uint32_t frames = 0; frames < 7; frames += frames ? 1 : 3) {
        const struct belady_counts counts = belady_count(belady, frames);
        assert_int_equal(counts.accesses, 20);
        assert_int_equal(counts.misses, 19);
        assert_int_equal(counts.compulsory, 6);
        assert_int_equal(counts.optimal, optimal[frames]);
    }
    belady_destroy(belady);
}

/* A program of which the first prompt has 3 blocks, its output fills one more, and the second prompt has 6. */
static void a_program_that_grows(void **state)
{
    (void)state;
    const struct extent extent = {.stream = stream_private(1, 0), .count = 7 * BLOCK};
    const struct content content = {.extents = &extent, .n_extents = 1, .n_tokens = 7 * BLOCK};
    struct belady *belady = belady_create(BLOCK);
    belady_access(belady, content, 3, 0);
    belady_write(belady, content, 0, 3);
    access_page(belady, 2, false);
    belady_write(belady, content, 3, 4); /* not looked up, and there for the next turn */
    belady_access(belady, content, 6, 4);
    const struct belady_counts counts = belady_count(belady, 4);
    assert_int_equal(counts.accesses, 10);
    assert_int_equal(counts.misses, 6);
    assert_int_equal(counts.compulsory, 6);
    assert_int_equal(counts.optimal, 6);
    assert_int_equal(belady_count(belady, 3).optimal, 7);
    assert_int_equal(belady_count(belady, 0).optimal, 10);
    belady_destroy(belady);
}

static void nothing_happened(void **state)
{
    (void)state;
    struct belady *belady = belady_create(BLOCK);
    const struct belady_counts counts = belady_count(belady, 10);
    assert_int_equal(counts.accesses + counts.misses + counts.compulsory + counts.optimal, 0);
    belady_destroy(belady);
}

/* ---- against plain twins ---- */

enum { MOST_EVENTS = 200, MOST_BLOCKS = 24, MOST_NAMES = MOST_EVENTS * MOST_BLOCKS };

/* A set of blocks that is accessed or written at once. Blocks are numbers here. */
struct event {
    bool is_access;
    uint32_t n;
    uint32_t blocks[MOST_BLOCKS];
};

struct history {
    struct event events[MOST_EVENTS];
    uint32_t n;
    uint32_t n_names;
    struct plain_name names[MOST_NAMES]; /* of the numbers */
};

struct draw {
    uint64_t seed;
    uint32_t n;
};

static uint32_t draw(struct draw *draws, uint32_t n)
{
    return (uint32_t)(rng_u64((struct rng_key){.seed = draws->seed}, draws->n++) >> 32) % n;
}

static uint32_t number_of(struct history *history, const struct plain_name *name)
{
    for (uint32_t i = 0; i < history->n_names; i++) {
        if (history->names[i].low == name->low && history->names[i].high == name->high) {
            return i;
        }
    }
    history->names[history->n_names] = *name;
    return history->n_names++;
}

static void add_event(struct history *history, struct content content, uint32_t from, uint32_t to, bool is_access)
{
    struct plain_name names[MOST_BLOCKS];
    plain_names(content, BLOCK, names, 0, to);
    struct event *event = &history->events[history->n++];
    *event = (struct event){.is_access = is_access};
    for (uint32_t i = from; i < to; i++) {
        event->blocks[event->n++] = number_of(history, &names[i]);
    }
}

/* When the block is accessed next after event `at`; UINT32_MAX: it is not, or is written before. */
static uint32_t next_use(const struct history *history, uint32_t block, uint32_t at)
{
    for (uint32_t i = at + 1; i < history->n; i++) {
        for (uint32_t k = 0; k < history->events[i].n; k++) {
            if (history->events[i].blocks[k] == block) {
                return history->events[i].is_access ? i : UINT32_MAX;
            }
        }
    }
    return UINT32_MAX;
}

/* Belady's rule as it is told: forward, block by block, after every event; those go that are used last. */
static uint64_t plain_min(const struct history *history, uint32_t capacity)
{
    bool *cached = mem_zalloc(history->n_names + 1);
    uint64_t misses = 0;
    for (uint32_t at = 0; at < history->n; at++) {
        const struct event *event = &history->events[at];
        for (uint32_t k = 0; k < event->n; k++) {
            misses += event->is_access && !cached[event->blocks[k]];
        }
        for (uint32_t k = 0; k < event->n; k++) {
            cached[event->blocks[k]] = true;
        }
        for (;;) {
            uint32_t n = 0, last = 0, last_use = 0;
            for (uint32_t block = 0; block < history->n_names; block++) {
                if (cached[block]) {
                    const uint32_t use = next_use(history, block, at);
                    n++;
                    last = use >= last_use ? block : last;
                    last_use = use >= last_use ? use : last_use;
                }
            }
            if (!n || (n <= capacity && last_use != UINT32_MAX)) {
                break;
            }
            cached[last] = false;
        }
    }
    mem_free(cached);
    return misses;
}

/* Every cache that there could be after every event. */
enum { FEW_NAMES = 8 };
static uint64_t least_of_all(const struct history *history, uint32_t capacity)
{
    uint64_t costs[1 << FEW_NAMES];
    memset(costs, 0xFF, sizeof costs);
    costs[0] = 0;
    for (uint32_t at = 0; at < history->n; at++) {
        const struct event *event = &history->events[at];
        uint64_t after[1 << FEW_NAMES];
        uint32_t touched = 0;
        memset(after, 0xFF, sizeof after);
        for (uint32_t k = 0; k < event->n; k++) {
            touched |= 1U << event->blocks[k];
        }
        for (uint32_t cache = 0; cache < 1U << FEW_NAMES; cache++) {
            if (costs[cache] == UINT64_MAX) {
                continue;
            }
            const uint32_t missing = event->is_access ? touched & ~cache : 0;
            const uint64_t cost = costs[cache] + (uint64_t)__builtin_popcount(missing);
            const uint32_t all = cache | touched;
            for (uint32_t next = all;; next = (next - 1) & all) { /* all subsets */
                if ((uint32_t)__builtin_popcount(next) <= capacity && cost < after[next]) {
                    after[next] = cost;
                }
                if (!next) {
                    break;
                }
            }
        }
        memcpy(costs, after, sizeof costs);
    }
    uint64_t least = UINT64_MAX;
    for (uint32_t cache = 0; cache < 1U << FEW_NAMES; cache++) {
        least = costs[cache] < least ? costs[cache] : least;
    }
    return least;
}

/* A context that grows, is cut now and then, and may begin as others do; cut into extents at random. */
struct program {
    struct extent extents[64];
    uint32_t n_extents, n_tokens;
    uint32_t known; /* blocks */
    uint32_t streams;
};

static void append(struct program *program, uint64_t stream, uint32_t first, uint32_t count, struct draw *draws)
{
    const uint32_t head = draw(draws, count + 1);
    if (head) {
        program->extents[program->n_extents++] = (struct extent){.stream = stream, .first = first, .count = head};
    }
    if (head < count) {
        program->extents[program->n_extents++] =
            (struct extent){.stream = stream, .first = first + head, .count = count - head};
    }
    program->n_tokens += count;
}

static void cut(struct program *program, uint32_t n_tokens)
{
    while (program->n_tokens > n_tokens) {
        struct extent *last = &program->extents[program->n_extents - 1];
        const uint32_t excess = program->n_tokens - n_tokens;
        const uint32_t less = last->count < excess ? last->count : excess;
        last->count -= less;
        program->n_tokens -= less;
        program->n_extents -= last->count == 0;
    }
    program->known = program->known < n_tokens / BLOCK ? program->known : n_tokens / BLOCK;
}

static struct content content_of(const struct program *program)
{
    return (struct content){
        .extents = program->extents, .n_extents = program->n_extents, .n_tokens = program->n_tokens};
}

enum { PROGRAMS = 4 };

static void random_turn(struct belady *belady, struct history *history, struct program *program, uint32_t number,
                        struct draw *draws)
{
    enum { MOST_TOKENS = MOST_BLOCKS * BLOCK, MOST_GROWTH = 14 };
    if (!program->n_tokens) {
        append(program, stream_common(STREAM_SHARED, draw(draws, 2)), 0, 1 + draw(draws, 20), draws);
    }
    if (program->n_tokens + MOST_GROWTH > MOST_TOKENS || program->n_extents + 4 > 64 || draw(draws, 6) == 0) {
        cut(program, draw(draws, program->n_tokens));
    }
    append(program, stream_private(number, program->streams++), 0, 1 + draw(draws, MOST_GROWTH / 2), draws);
    const uint32_t blocks = (program->n_tokens - 1) / BLOCK;
    belady_access(belady, content_of(program), blocks, 0);
    add_event(history, content_of(program), 0, blocks, true);
    program->known = program->known > blocks ? program->known : blocks;
    append(program, stream_private(number, program->streams++), 0, 1 + draw(draws, MOST_GROWTH / 2), draws);
}

/* Some blocks that are known, and maybe what is not. */
static void random_write(struct belady *belady, struct history *history, struct program *program, struct draw *draws)
{
    const uint32_t to = draw(draws, program->n_tokens / BLOCK + 1);
    const uint32_t from = draw(draws, program->known + 1);
    belady_write(belady, content_of(program), from, to);
    if (from < to) {
        add_event(history, content_of(program), from, to, false);
        program->known = program->known > to ? program->known : to;
    }
}

static void as_belady_says(void **state)
{
    (void)state;
    uint64_t reused = 0, missed = 0;
    struct history *history = mem_zalloc(sizeof *history);
    for (uint64_t seed = 0; seed < 120; seed++) {
        struct draw draws = {.seed = seed};
        struct program programs[PROGRAMS] = {0};
        struct belady *belady = belady_create(BLOCK);
        memset(history, 0, sizeof *history);
        const uint32_t events = 2 + draw(&draws, 80);
        while (history->n < events) {
            const uint32_t number = draw(&draws, PROGRAMS);
            if (!programs[number].n_tokens || draw(&draws, 2)) {
                random_turn(belady, history, &programs[number], number, &draws);
            } else {
                random_write(belady, history, &programs[number], &draws);
            }
        }
        for (uint32_t capacity = 0; capacity < 70; capacity = capacity * 3 / 2 + 1) {
            const struct belady_counts counts = belady_count(belady, capacity);
            const uint64_t optimal = plain_min(history, capacity);
            if (counts.optimal != optimal) {
                fail_msg("seed %llu, %u blocks: %llu misses instead of %llu", (unsigned long long)seed, capacity,
                         (unsigned long long)counts.optimal, (unsigned long long)optimal);
            }
            assert_true(counts.compulsory <= counts.optimal && counts.optimal <= counts.accesses);
            reused += counts.accesses - counts.optimal;
            missed += counts.optimal - counts.compulsory;
        }
        belady_destroy(belady);
    }
    mem_free(history);
    assert_true(reused > 1000 && missed > 1000);
}

static void no_other_way_is_better(void **state)
{
    (void)state;
    struct history *history = mem_zalloc(sizeof *history);
    for (uint64_t seed = 1000; seed < 1300; seed++) {
        struct draw draws = {.seed = seed};
        struct belady *belady = belady_create(1);
        *history = (struct history){.n = 4 + draw(&draws, 12), .n_names = FEW_NAMES};
        for (uint32_t at = 0; at < history->n; at++) { /* two streams of four blocks, from their beginnings */
            struct event *event = &history->events[at];
            const uint32_t stream = draw(&draws, 2);
            const struct extent extent = {.stream = stream_private(stream, 0), .count = FEW_NAMES / 2};
            const struct content content = {.extents = &extent, .n_extents = 1, .n_tokens = FEW_NAMES / 2};
            event->n = 1 + draw(&draws, FEW_NAMES / 2);
            event->is_access = draw(&draws, 3) > 0;
            for (uint32_t k = 0; k < event->n; k++) {
                event->blocks[k] = stream * FEW_NAMES / 2 + k;
            }
            if (event->is_access) {
                belady_access(belady, content, event->n, 0);
            } else {
                belady_write(belady, content, 0, event->n);
            }
        }
        for (uint32_t capacity = 0; capacity <= FEW_NAMES; capacity++) {
            const uint64_t least = least_of_all(history, capacity);
            assert_int_equal(belady_count(belady, capacity).optimal, least);
            assert_int_equal(plain_min(history, capacity), least);
        }
        belady_destroy(belady);
    }
    mem_free(history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_textbook_example),   cmocka_unit_test(a_program_that_grows),
        cmocka_unit_test(nothing_happened),       cmocka_unit_test(as_belady_says),
        cmocka_unit_test(no_other_way_is_better),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
