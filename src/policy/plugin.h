/* Policies from shared objects: loading, and checks of the table that they hand out (include/asim/policy.h). */
#ifndef ASIM_POLICY_PLUGIN_H
#define ASIM_POLICY_PLUGIN_H

#include "asim/policy.h"
#include "base/diag.h"

/* Bytes of state that a policy may ask for. */
#define POLICY_MAX_STATE_BYTES (UINT64_C(64) << 20)

struct policy_plugin {
    struct policy_plugin *next; /* of its set */
    char *path;
    void *library;
    struct asim_policy table; /* the object's own, what it lacks being NULL */
};

/* Loads a shared object and checks its table; NULL, with errors that say what is wrong and what is allowed. */
struct policy_plugin *policy_plugin_open(const char *path, struct diag *diag);
void policy_plugin_close(struct policy_plugin *plugin);

/* Copies a table of this ABI, perhaps an older and shorter one, and checks it; false, with errors. `path` stands for it
 * in messages. */
bool policy_plugin_check(const char *path, const struct asim_policy *given, struct asim_policy *out, struct diag *diag);

/* Policies are named by what does not hold a '/'. */
bool policy_is_path(const char *name);

#endif
