/* The built-in policies: one table each, in a file of its name. */
#ifndef ASIM_POLICY_BUILTIN_BUILTIN_H
#define ASIM_POLICY_BUILTIN_BUILTIN_H

#include "asim/policy.h"

#define POLICY_HEAD                                                                                                    \
    .struct_size = sizeof(struct asim_policy), .abi_major = ASIM_POLICY_ABI_MAJOR, .abi_minor = ASIM_POLICY_ABI_MINOR

#define POLICY_PARAMETERS(ROWS) .parameters = (ROWS), .n_parameters = sizeof(ROWS) / sizeof(ROWS)[0]

/* Scheduling, retention: the engine's own rules. */
extern const struct asim_policy policy_fcfs;
extern const struct asim_policy policy_lru;

/* Routing. */
extern const struct asim_policy policy_round_robin;
extern const struct asim_policy policy_least_loaded;
extern const struct asim_policy policy_session_affinity;
extern const struct asim_policy policy_random;
extern const struct asim_policy policy_power_of_two;
extern const struct asim_policy policy_consistent_hash;
extern const struct asim_policy policy_sglang_cache_aware;
extern const struct asim_policy policy_dynamo_kv;
extern const struct asim_policy policy_llm_d;
extern const struct asim_policy policy_preble;
extern const struct asim_policy policy_autellix_router;
extern const struct asim_policy policy_saga_router;
extern const struct asim_policy policy_thunderagent;

/* Scheduling, by programs. */
extern const struct asim_policy policy_program_fcfs;
extern const struct asim_policy policy_oracle_srpt;
extern const struct asim_policy policy_autellix_plas;
extern const struct asim_policy policy_autellix_atlas;

/* Retention, some with a queue order of their own. */
extern const struct asim_policy policy_evict_always;
extern const struct asim_policy policy_ttl;
extern const struct asim_policy policy_hints;
extern const struct asim_policy policy_saecache;
extern const struct asim_policy policy_tokencake;
extern const struct asim_policy policy_kvflow;
extern const struct asim_policy policy_oracle_ttl;
extern const struct asim_policy policy_belady;
extern const struct asim_policy policy_continuum;
extern const struct asim_policy policy_continuum_release;
extern const struct asim_policy policy_infercept;
extern const struct asim_policy policy_gate;
extern const struct asim_policy policy_saga;

#endif
