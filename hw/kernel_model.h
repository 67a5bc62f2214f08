/* What a kernel model (hw/tile, hw/profile) gives to hw/step_time.c: times of whole batches in microseconds.
 *
 * step_time.c turns them into the integer decode function and rounds batches once; models only evaluate.
 */
#ifndef ASIM_HW_KERNEL_MODEL_H
#define ASIM_HW_KERNEL_MODEL_H

#include "hw/device.h"
#include "hw/step_time.h"

struct kernel_model;

struct kernel_model_ops {
    void (*destroy)(struct kernel_model *model);

    /* Mean contexts (tokens per sequence, ascending, first one 0) where the time of a decode-only batch of n_decode
     * sequences bends; returns their number, at least 2. Between them it is taken as linear; where the model is found
     * not to be, step_time.c adds knots of its own. Beyond the last knot the last piece goes on. */
    uint32_t (*decode_knots)(struct kernel_model *model, uint32_t n_decode, const double **knots);

    /* Device time of the batch by bound, microseconds (STEP_HOST stays 0). n_decode + n_chunks >= 1. A function of the
     * shape alone: the order of calls never shows in it. Threads that share the model may call it at once. */
    void (*cost)(struct kernel_model *model, const struct batch_shape *shape, double part_us[STEP_BOUNDS]);
};

/* First member of every model. */
struct kernel_model {
    const struct kernel_model_ops *ops;
};

/* Steps priced by `model`, which it owns from then on, for up to `max_num_seqs` decodes (hw/step_time.c). */
struct step_time *step_time_over(struct kernel_model *model, uint32_t max_num_seqs);

/* hw/tile/tile_step.c: closed forms and the constants of `device`. */
struct kernel_model *tile_model_create(const struct step_time_options *options, struct diag *diag);

/* hw/profile/profile_step.c: measured tables below options->profile_dir. */
struct kernel_model *profile_model_create(const struct step_time_options *options, struct diag *diag);

#endif
