/*
 * CHECK stops the program on one of our own bugs, in release builds too; never
 * for input. Out of memory ends the program the same way: a controller that is
 * restarted loses nothing, one that goes on half blind does.
 */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include <stddef.h>

#include "pkg/base/compiler.h"

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			check_failed(__FILE__, __LINE__, #condition);                              \
	} while (0)

void check_failed(const char *file, int line, const char *what) NORETURN;

/* Like malloc, calloc, realloc, strdup, strndup, but never NULL: they abort with a message. */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t size);
void *xpages(size_t size); /* zeroed, from the system itself: munmap's */
char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t length);

#endif
