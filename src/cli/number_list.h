/* Lists of whole numbers as flags take them: "1,2,4", "1000,1e6". */
#ifndef ASIM_CLI_NUMBER_LIST_H
#define ASIM_CLI_NUMBER_LIST_H

#include "asim/asim.h"

enum { NUMBER_LIST_MAX = 64 };

struct number_list {
    uint64_t numbers[NUMBER_LIST_MAX];
    size_t n;
};

/* Numbers from 1 to `most`, separated by commas; an error names the flag and what is allowed. A NULL text is an empty
 * list. */
asim_status number_list_parse(struct number_list *list, const char *flag, const char *text, uint64_t most);

/* One such number, *out = 0 when there is no text. */
asim_status number_list_one(const char *flag, const char *text, uint64_t most, uint32_t *out);

#endif
