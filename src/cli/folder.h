/* Folders as units: created beside their place, exchanged by rename, removed whole. Paths are freed with free. */
#ifndef ASIM_CLI_FOLDER_H
#define ASIM_CLI_FOLDER_H

#include <stdbool.h>

/* "PARENT/NAME", freshly allocated. */
char *folder_join(const char *parent, const char *name);

/* `path` without trailing slashes. */
char *folder_trim(const char *path);

/* The folder that holds `path`: ".", "/" or what stands before the last slash. */
char *folder_parent(const char *path);

enum folder_state { FOLDER_ABSENT, FOLDER_EMPTY, FOLDER_FILLED, FOLDER_NOT_ONE, FOLDER_UNREADABLE };
enum folder_state folder_state(const char *path);

/* Creates `path` and its missing parents. False with errno set. */
bool folder_create(const char *path);

/* A new folder `PATH.tmp-XXXXXX` beside `path`, with the permissions of an ordinary new folder; NULL with errno set. */
char *folder_temporary(const char *path);

/* Removes a folder and everything below it; errno stays. */
void folder_remove(const char *path);

#endif
