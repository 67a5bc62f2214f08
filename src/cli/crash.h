/* When a policy of a shared object crashes, the process says whose function it was, and ends with the status of an
 * internal error. Other crashes go their usual way. */
#ifndef ASIM_CLI_CRASH_H
#define ASIM_CLI_CRASH_H

void crash_report_install(void);

#endif
