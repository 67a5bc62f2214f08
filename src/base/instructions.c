#include "base/instructions.h"

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

int instructions_open(void)
{
    struct perf_event_attr attributes = {.type = PERF_TYPE_HARDWARE,
                                         .size = sizeof attributes,
                                         .config = PERF_COUNT_HW_INSTRUCTIONS,
                                         .inherit = 1,
                                         .exclude_kernel = 1,
                                         .exclude_hv = 1};
    return (int)syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

uint64_t instructions_close(int counter)
{
    uint64_t count = 0;
    if (counter < 0) {
        return 0;
    }
    if (read(counter, &count, sizeof count) != (ssize_t)sizeof count) {
        count = 0;
    }
    close(counter);
    return count;
}
