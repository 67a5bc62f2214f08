#include "policy/policy_call.h"

_Thread_local struct policy_call policy_call;
