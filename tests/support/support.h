/* What every test needs: cmocka with its prerequisites, and paths. */
#ifndef ASIM_TESTS_SUPPORT_H
#define ASIM_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Path of a fixture below tests/, and of a file below the source folder. Static storage, four calls deep. */
const char *test_path(const char *relative);
const char *source_path(const char *relative);

/* Path below the folder of recorded data (ASIM_DATA_DIR, else ../shared/data beside the source folder), or NULL when it
 * is not there: the test then calls skip(), which cmocka reports. */
const char *data_path(const char *relative);

#endif
