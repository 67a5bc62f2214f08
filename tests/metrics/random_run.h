/* Turns and programs made up for recorders, and the comparison of what recorders then say. */
#ifndef ASIM_TESTS_METRICS_RANDOM_RUN_H
#define ASIM_TESTS_METRICS_RANDOM_RUN_H

#include "metrics/recorder.h"

#include <stdint.h>

uint32_t random_below(uint64_t seed, uint32_t draw, uint32_t n);

struct turn_record random_turn(uint64_t program, uint32_t turn);

/* Runs `programs` programs side by side over `n` recorders that take their turns at random. */
void random_run(struct recorder **recorders, uint32_t n, uint32_t programs, uint64_t seed);

/* The summary with nothing but what the recorder knows; freed with mem_free. */
char *summary_of(struct recorder *recorder);

/* Equal summaries to the byte, and equal rows. */
void assert_same_recorders(struct recorder *a, struct recorder *b);

#endif
