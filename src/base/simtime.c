#include "base/simtime.h"

bool simtime_from_s(double seconds, simtime *out)
{
    const double ps = seconds * (double)SIMTIME_S;
    if (!(ps >= -(double)SIMTIME_LIMIT && ps <= (double)SIMTIME_LIMIT)) {
        return false;
    }
    *out = (simtime)(ps < 0.0 ? ps - 0.5 : ps + 0.5);
    return true;
}
