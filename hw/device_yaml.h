/* Reader of device descriptions (configs/hardware/NAME.yaml).
 *
 * Every key of the table in device_yaml.c but those of `links` is required; keys end with their unit (hbm_gb_per_s,
 * te_us), and a value may carry another unit of the same kind (3.35TB/s). Unknown, repeated, missing and out-of-range
 * keys are errors with file, line and column, all of them at once. Two choices decide which keys a section has:
 * `all_reduce.law` (one_shot_or_ring or fitted) and `attention.mixed.kernels` (separate or varlen). A key of `links`
 * that is not there has the value that is typical of the PCIe generation (hw/link/defaults.h).
 */
#ifndef ASIM_HW_DEVICE_YAML_H
#define ASIM_HW_DEVICE_YAML_H

#include "hw/device.h"

#include <stddef.h>

/* Parses `bytes` of `text`; `name` stands for the file in errors and, without folder and extension, names the device.
 */
asim_status device_parse(const char *text, size_t bytes, const char *name, struct device *out, struct diag *diag);

#endif
