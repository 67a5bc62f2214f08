#include "metrics/live_programs.h"

#include "base/mem.h"

#include <assert.h>

static size_t home(const struct live_programs *live, uint64_t program)
{
    /* Fibonacci hashing; ids are dense, so the top half of the product spreads them. */
    return (size_t)((program * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & (live->capacity - 1);
}

static size_t find(const struct live_programs *live, uint64_t program)
{
    size_t i = home(live, program);
    while (live->slots[i].turns && live->slots[i].program != program) {
        i = (i + 1) & (live->capacity - 1);
    }
    return i;
}

void live_programs_fini(struct live_programs *live)
{
    mem_free(live->slots);
    *live = (struct live_programs){0};
}

static void grow(struct live_programs *live)
{
    const struct live_programs old = *live;
    live->capacity = old.capacity ? old.capacity * 2 : 64;
    live->slots = mem_zalloc(live->capacity * sizeof *live->slots);
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.slots[i].turns) {
            live->slots[find(live, old.slots[i].program)] = old.slots[i];
        }
    }
    mem_free(old.slots);
}

struct live_program *live_programs_at(struct live_programs *live, uint64_t program)
{
    if (2 * (live->n + 1) > live->capacity) {
        grow(live);
    }
    struct live_program *slot = &live->slots[find(live, program)];
    if (!slot->turns) {
        *slot = (struct live_program){.program = program};
        live->n++;
    }
    return slot;
}

struct live_program live_programs_take(struct live_programs *live, uint64_t program)
{
    assert(live->n > 0);
    size_t hole = find(live, program);
    const struct live_program taken = live->slots[hole];
    assert(taken.turns > 0);
    const size_t mask = live->capacity - 1;
    for (size_t i = (hole + 1) & mask; live->slots[i].turns; i = (i + 1) & mask) {
        /* A follower may move into the hole when its home is not between the hole and itself. */
        if (((i - home(live, live->slots[i].program)) & mask) >= ((i - hole) & mask)) {
            live->slots[hole] = live->slots[i];
            hole = i;
        }
    }
    live->slots[hole] = (struct live_program){0};
    live->n--;
    return taken;
}
