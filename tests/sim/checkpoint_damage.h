/* Checkpoints whose checksum holds and whose content does not: loading one gives an error, or a run that goes on. */
#ifndef ASIM_TESTS_SIM_CHECKPOINT_DAMAGE_H
#define ASIM_TESTS_SIM_CHECKPOINT_DAMAGE_H

#include <stdint.h>

/* Checkpoints of the scenarios of seeds [first, last), each damaged `trials` times: a byte, or eight bytes, changed. */
void check_checkpoint_damage(uint64_t first, uint64_t last, int trials);

#endif
