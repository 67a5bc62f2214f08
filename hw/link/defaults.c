#include "hw/link/defaults.h"

#include <assert.h>

static uint64_t bytes_per_s(double gbs)
{
    return (uint64_t)(gbs * 1e9 + 0.5);
}

/* GB/s, one way. */
static double pcie_gbs(uint32_t gen, uint32_t lanes)
{
    static const double transfers[] = {2.5, 5, 8, 16, 32, 64, 128, 256}; /* GT/s a lane */
    const double coding = gen < 3 ? 0.8 : 128.0 / 130.0;
    return transfers[gen - 1] * coding / 8 * lanes * (256.0 / (256 + 26)) * 0.95;
}

struct link_constants link_defaults(uint32_t pcie_gen, uint32_t pcie_lanes, double link_gbs)
{
    assert(pcie_gen >= 1 && pcie_gen <= 8);
    const bool old = pcie_gen < 4;
    const bool new = pcie_gen > 4;
    const double pcie = pcie_gbs(pcie_gen, pcie_lanes);
    return (struct link_constants){
        .pcie_up = bytes_per_s(pcie),
        .pcie_down = bytes_per_s(pcie),
        .pcie_start = 9 * SIMTIME_US,
        .peer = bytes_per_s(link_gbs > 0 ? 0.8 * link_gbs : pcie),
        .peer_start = 9 * SIMTIME_US,
        .host_memory = bytes_per_s(0.8 * (new ? 307.2 : 204.8)),
        .cxl = bytes_per_s(31.5 * 0.875),
        .cxl_start = 400 * SIMTIME_NS,
        .nvme_read = bytes_per_s(old   ? 3.2
                                 : new ? 14
                                       : 6.9),
        .nvme_write = bytes_per_s(old   ? 2
                                  : new ? 7.1
                                        : 4.1),
        .nvme_start = 80 * SIMTIME_US,
        .nic = bytes_per_s(old   ? 10.9
                           : new ? 190.0 / 8
                                 : 87.0 / 4),
        .nic_start = 5 * SIMTIME_US,
    };
}
