/* Saved states that no writer would write, but whose checksum holds: a reader must look at their content. */
#ifndef ASIM_TESTS_PACKED_STORE_H
#define ASIM_TESTS_PACKED_STORE_H

#include <stddef.h>
#include <stdio.h>

/* The bytes of a file with this content; freed with mem_free. */
unsigned char *packed_store(const void *content, size_t n, size_t *bytes);

/* The content of such a file, whatever wrote it: freed with mem_free. */
unsigned char *unpacked_store(const char *path, size_t *n);

/* Bytes as an open file, also when there are none. They must outlive it. */
FILE *bytes_as_file(const unsigned char *bytes, size_t n);

#endif
