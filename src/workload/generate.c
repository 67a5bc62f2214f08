#include "workload/generate.h"

#include <assert.h>
#include <string.h>

static const struct generator *const generators[] = {&generator_swe_agent, &generator_synthetic, &generator_lats,
                                                     &generator_deep_research};

enum { N_GENERATORS = sizeof generators / sizeof *generators };

size_t generator_count(void)
{
    return N_GENERATORS;
}

const struct generator *generator_at(size_t index)
{
    assert(index < N_GENERATORS);
    return generators[index];
}

const struct generator *generator_find(const char *name)
{
    for (size_t i = 0; i < N_GENERATORS; i++) {
        if (strcmp(generators[i]->name, name) == 0) {
            return generators[i];
        }
    }
    return NULL;
}
