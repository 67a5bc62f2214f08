#include "cli/watch.h"

#include "cli/interrupt.h"

void watch_begin(struct watch *watch, const asim_config *config)
{
    char *mode = asim_config_get(config, "progress");
    progress_init(&watch->progress, stderr, mode);
    asim_free(mode);
    watch->callbacks = (asim_callbacks){.struct_size = sizeof watch->callbacks,
                                        .user = &watch->progress,
                                        .progress = progress_show,
                                        .cancelled = interrupt_requested};
    interrupt_begin();
}

void watch_end(struct watch *watch)
{
    interrupt_end();
    progress_end(&watch->progress);
}
