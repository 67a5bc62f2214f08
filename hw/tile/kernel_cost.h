/* What a kernel law answers. */
#ifndef ASIM_HW_TILE_KERNEL_COST_H
#define ASIM_HW_TILE_KERNEL_COST_H

#include "hw/step_time.h"

/* Time of one kernel and the bound whose term is largest in it: STEP_HBM when memory traffic is, STEP_COMPUTE for
 * arithmetic and for launch and pipeline latencies. */
struct kernel_cost {
    double us;
    enum step_bound bound;
};

static inline void kernel_cost_add(double part_us[STEP_BOUNDS], struct kernel_cost cost, double times)
{
    part_us[cost.bound] += cost.us * times;
}

#endif
