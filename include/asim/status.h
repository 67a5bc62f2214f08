/* Status codes of the AgentServeSim library: one table for name, meaning and process exit code. */
#ifndef ASIM_STATUS_H
#define ASIM_STATUS_H

#if defined(_WIN32)
#define ASIM_API
#else
#define ASIM_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, exit code, text) */
#define ASIM_STATUS_TABLE(X)                                                                                           \
    X(OK, 0, "success")                                                                                                \
    X(INTERNAL, 1, "internal error")                                                                                   \
    X(USAGE, 2, "usage or configuration error")                                                                        \
    X(INPUT, 3, "input data error")                                                                                    \
    X(INFEASIBLE, 4, "infeasible: the configuration does not fit")                                                     \
    X(FAILED_IF, 5, "a --fail-if condition holds")                                                                     \
    X(IO, 1, "input/output error")                                                                                     \
    X(INTERRUPTED, 130, "interrupted")

typedef enum asim_status {
#define ASIM_STATUS_ENUM(name, code, text) ASIM_##name,
    ASIM_STATUS_TABLE(ASIM_STATUS_ENUM)
#undef ASIM_STATUS_ENUM
} asim_status;

/* Static text for a status; never NULL. */
ASIM_API const char *asim_status_text(asim_status status);

/* The process exit code the command line uses for a status. */
ASIM_API int asim_status_exit_code(asim_status status);

#ifdef __cplusplus
}
#endif

#endif
