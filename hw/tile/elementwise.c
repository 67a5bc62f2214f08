#include "hw/tile/elementwise.h"

static const double head_norm_us = 0.088; /* of one SM */

struct kernel_cost elementwise_cost(const struct device *device, double bytes, double norms)
{
    const struct elementwise_constants *c = &device->elementwise;
    const double w = device->hbm_gbs * 1e3; /* bytes/us */
    const double knee = c->knee_l2 * (double)device->l2_bytes;
    const double near = bytes < knee ? bytes : knee;
    const double traffic = near / (w * c->r1) + (bytes - near) / (w * c->r2);
    const double ctas = norms * head_norm_us / device->sms;
    if (ctas > traffic) {
        return (struct kernel_cost){.us = c->te + ctas, .bound = STEP_COMPUTE};
    }
    return (struct kernel_cost){.us = c->te + traffic, .bound = traffic > c->te ? STEP_HBM : STEP_COMPUTE};
}
