#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *join(const char *folder, const char *relative)
{
    static char paths[4][4096];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, relative);
    return path;
}

const char *test_path(const char *relative)
{
    return join(ASIM_TEST_FOLDER, relative);
}

const char *source_path(const char *relative)
{
    return join(ASIM_SOURCE_FOLDER, relative);
}

const char *data_path(const char *relative)
{
    const char *folder = getenv("ASIM_DATA_DIR");
    const char *path = join(folder ? folder : ASIM_SOURCE_FOLDER "/../shared/data", relative);
    if (access(path, R_OK) == 0) {
        return path;
    }
    print_message("[  SKIPPED ] recorded data not found: %s\n", path);
    return NULL;
}
