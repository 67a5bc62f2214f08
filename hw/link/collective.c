#include "hw/link/collective.h"

static const double bytes_per_us_of_gbs = 1e3;

double all_reduce_us(const struct collective_constants *constants, uint32_t n, double bytes)
{
    if (n <= 1) {
        return 0.0;
    }
    const struct collective_constants *c = constants;
    if (c->fitted) {
        return c->latency_us + bytes / (c->bandwidth_gbs * bytes_per_us_of_gbs);
    }
    const double peers = n - 1;
    const double one_shot = c->a + c->b * peers + peers * bytes / (c->bw1 * bytes_per_us_of_gbs);
    const double ring = c->big_a + c->big_b * peers + 2.0 * peers / n * bytes / (c->bw2 * bytes_per_us_of_gbs);
    return one_shot < ring ? one_shot : ring;
}
