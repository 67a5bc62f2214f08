/* Runs files, or all files of folders, through a fuzz target: what libFuzzer does with -runs=0, without it.
 *
 * Each input is given in a heap block of exactly its size, so that a sanitizer sees reads beyond its end. Fails when
 * there is no input at all. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return -1;
    }
    fseek(file, 0, SEEK_END);
    const size_t size = (size_t)ftell(file);
    rewind(file);
    uint8_t *data = malloc(size ? size : 1);
    const size_t got = fread(data, 1, size, file);
    fclose(file);
    if (got == size) {
        LLVMFuzzerTestOneInput(data, size);
    }
    free(data);
    return got == size ? 1 : -1;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* Number of inputs run, or -1. */
static int run_folder(const char *path)
{
    struct dirent **entries;
    const int n = scandir(path, &entries, is_visible, alphasort);
    int result = n;
    for (int i = 0; i < n; i++) {
        char file[4096];
        snprintf(file, sizeof file, "%s/%s", path, entries[i]->d_name);
        if (run_file(file) < 0) {
            result = -1;
        }
        free(entries[i]);
    }
    if (n >= 0) {
        free(entries);
    }
    return result;
}

int main(int argc, char **argv)
{
    int n_inputs = 0;
    for (int i = 1; i < argc; i++) {
        struct stat status;
        const int n = stat(argv[i], &status) == 0 && S_ISDIR(status.st_mode) ? run_folder(argv[i]) : run_file(argv[i]);
        if (n < 0) {
            return 1;
        }
        n_inputs += n;
    }
    printf("%d inputs\n", n_inputs);
    return n_inputs > 0 ? 0 : 1;
}
