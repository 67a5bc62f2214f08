#include "hw/tile/elementwise.h"

struct kernel_cost elementwise_cost(const struct device *device, double bytes)
{
    const struct elementwise_constants *c = &device->elementwise;
    const double w = device->hbm_gbs * 1e3; /* bytes/us */
    const double knee = c->knee_l2 * (double)device->l2_bytes;
    const double near = bytes < knee ? bytes : knee;
    const double traffic = near / (w * c->r1) + (bytes - near) / (w * c->r2);
    return (struct kernel_cost){.us = c->te + traffic, .bound = traffic > c->te ? STEP_HBM : STEP_COMPUTE};
}
