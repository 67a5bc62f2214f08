#define _GNU_SOURCE /* asprintf, nftw */

#include "cli/folder.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *checked(char *text)
{
    if (!text) {
        abort();
    }
    return text;
}

char *folder_join(const char *parent, const char *name)
{
    char *path = NULL;
    return checked(asprintf(&path, "%s/%s", parent, name) < 0 ? NULL : path);
}

char *folder_trim(const char *path)
{
    char *trimmed = checked(strdup(path));
    for (size_t n = strlen(trimmed); n > 1 && trimmed[n - 1] == '/'; n--) {
        trimmed[n - 1] = '\0';
    }
    return trimmed;
}

char *folder_parent(const char *path)
{
    char *trimmed = folder_trim(path);
    char *slash = strrchr(trimmed, '/');
    if (!slash) {
        free(trimmed);
        return checked(strdup("."));
    }
    slash[slash == trimmed] = '\0';
    return trimmed;
}

enum folder_state folder_state(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir) {
        return errno == ENOENT ? FOLDER_ABSENT : errno == ENOTDIR ? FOLDER_NOT_ONE : FOLDER_UNREADABLE;
    }
    enum folder_state state = FOLDER_EMPTY;
    for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            state = FOLDER_FILLED;
        }
    }
    closedir(dir);
    return state;
}

bool folder_create(const char *path)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST) {
        return folder_state(path) != FOLDER_NOT_ONE || (errno = ENOTDIR, false);
    }
    if (errno != ENOENT) {
        return false;
    }
    char *parent = folder_parent(path);
    const bool created = folder_create(parent) && mkdir(path, 0777) == 0;
    free(parent);
    return created;
}

char *folder_temporary(const char *path)
{
    char *temporary = NULL;
    checked(asprintf(&temporary, "%s.tmp-XXXXXX", path) < 0 ? NULL : temporary);
    if (!mkdtemp(temporary)) {
        const int error = errno;
        free(temporary);
        errno = error;
        return NULL;
    }
    const mode_t mask = umask(0);
    umask(mask);
    if (chmod(temporary, 0777 & ~mask)) {
        folder_remove(temporary);
        free(temporary);
        return NULL;
    }
    return temporary;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *position)
{
    (void)info;
    (void)type;
    (void)position;
    return remove(path);
}

void folder_remove(const char *path)
{
    const int error = errno;
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    errno = error;
}
