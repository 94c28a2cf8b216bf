/*
 * The ways this program stops at once: a failed CHECK and memory that ran out. Both tell
 * why on stderr and abort, so that the container log names the place (run writes no core).
 */
#include "pkg/base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void check_failed(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: check failed: %s\n", file, line, what);
	abort();
}

static void *or_abort(void *memory, size_t size)
{
	if (!memory) {
		fprintf(stderr, "out of memory (%zu bytes)\n", size);
		abort();
	}
	return memory;
}

void *xmalloc(size_t size)
{
	return or_abort(malloc(size ? size : 1), size);
}

void *xcalloc(size_t count, size_t size)
{
	return or_abort(calloc(count ? count : 1, size ? size : 1), size);
}

void *xrealloc(void *old, size_t size)
{
	return or_abort(realloc(old, size ? size : 1), size);
}

void *xpages(size_t size)
{
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return or_abort(pages == MAP_FAILED ? NULL : pages, size);
}

char *xstrdup(const char *text)
{
	return or_abort(strdup(text), strlen(text));
}

char *xstrndup(const char *text, size_t length)
{
	return or_abort(strndup(text, length), length);
}
