/* Links of a machine about which its description says nothing: typical figures of hosts of one PCIe generation.
 *
 *     PCIe    lanes * GT/s * coding / 8 * 256/(256+26) * 0.95: payloads of 256 bytes behind 26 of header, flow control.
 *             x16 of generation 5 is 54.4 GB/s, as measured (large copies on an H20); of generation 4 27.2, where
 *             24 to 26 are usual. A copy takes 8 to 10 us from the call to its end besides its bytes: 9.
 *     peer    0.8 of the vendor's GPU link (assumed), the PCIe rate without one; starts as a PCIe copy
 *     memory  0.8 (assumed) of eight channels: DDR4-3200, from generation 5 on DDR5-4800; a socket's, shared by all
 *     CXL     x8 of generation 5, raw 31.5 GB/s, at 0.875 for flits of 68 bytes, about what one channel of DDR5-4800 in
 *             the device gives; 0.4 us of latency through a switch (published 0.35 to 0.5)
 *     NVMe    a data centre drive by vendor's sheets; 80 us to the first byte of a read (assumed for writes)
 *     NIC     one way, of published transfer engines: 87 GB/s of 4 x 200 Gb/s, 190 GB/s of 8 x 400 Gb/s; below
 *             generation 4 100 Gb/s at the same share as 200; start of 5 us assumed
 */
#ifndef ASIM_HW_LINK_DEFAULTS_H
#define ASIM_HW_LINK_DEFAULTS_H

#include "hw/device.h"

/* `pcie_gen` from 1 to 8; link_gbs 0: no link between GPUs but PCIe. */
struct link_constants link_defaults(uint32_t pcie_gen, uint32_t pcie_lanes, double link_gbs);

#endif
