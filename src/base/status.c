#include "asim/status.h"

#include <stddef.h>

static const struct {
    const char *text;
    int exit_code;
} status_table[] = {
#define STATUS_ROW(name, code, text) {text, code},
    ASIM_STATUS_TABLE(STATUS_ROW)
#undef STATUS_ROW
};

const char *asim_status_text(asim_status status)
{
    const size_t i = (size_t)status;
    return i < sizeof status_table / sizeof status_table[0] ? status_table[i].text : "unknown status";
}

int asim_status_exit_code(asim_status status)
{
    const size_t i = (size_t)status;
    return i < sizeof status_table / sizeof status_table[0] ? status_table[i].exit_code : 1;
}
