#include "asim/asim.h"
#include "base/mem.h"

const char *asim_version(void)
{
    return ASIM_VERSION;
}

void asim_free(void *pointer)
{
    mem_free(pointer);
}
