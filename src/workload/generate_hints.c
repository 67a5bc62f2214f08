#include "base/pmath.h"
#include "base/rng.h"
#include "workload/generate.h"

#define HINTS_SIGMA 0.5

void generate_hints(enum generated_hints kind, uint64_t seed, struct program_slot *slot)
{
    struct program *program = &slot->program;
    slot->hints = mem_grow(slot->hints, &slot->hint_capacity, program->n_turns, sizeof *slot->hints);
    for (uint32_t turn = 0; turn < program->n_turns; turn++) {
        simtime gap = program->turns[turn].gap;
        if (kind == HINTS_NOISY) {
            const struct rng_key key = {.seed = seed, .program = program->id, .turn = turn, .purpose = RNG_HINT};
            const double factor = pmath_exp(HINTS_SIGMA * pmath_normal_quantile(rng_uniform(key, 0)));
            const double seconds = simtime_to_s(gap) * factor;
            gap = SIMTIME_LIMIT; /* beyond which durations end */
            simtime_from_s(seconds, &gap);
        }
        const bool is_last = program_is_sink(program, turn);
        slot->hints[turn] = (struct turn_hint){.pin = -1, .resume = is_last ? -1 : gap};
    }
    program->hints = slot->hints;
}
