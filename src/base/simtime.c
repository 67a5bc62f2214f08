#include "base/simtime.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

bool simtime_from_s(double seconds, simtime *out)
{
    const double ps = seconds * (double)SIMTIME_S;
    if (!(ps >= -(double)SIMTIME_LIMIT && ps <= (double)SIMTIME_LIMIT)) {
        return false;
    }
    *out = (simtime)(ps < 0.0 ? ps - 0.5 : ps + 0.5);
    return true;
}

const char *simtime_text(simtime t, char out[SIMTIME_TEXT_BYTES])
{
    assert(t >= 0);
    int length = snprintf(out, SIMTIME_TEXT_BYTES, "%" PRId64 ".%012" PRId64, t / SIMTIME_S, t % SIMTIME_S);
    while (out[length - 1] == '0') {
        length--;
    }
    if (out[length - 1] == '.') {
        length--;
    }
    out[length] = '\0';
    return out;
}
