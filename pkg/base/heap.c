/*
 * glibc gives back by itself only what is free at the top. A burst leaves gaps below, a few MB of
 * them, for what came meanwhile and stays (cached objects) lies above: malloc_trim gives back the
 * whole pages in these. It walks all that is free, so it is called only where 128 KiB more are free
 * than before.
 */
#include "pkg/base/heap.h"

#include <malloc.h>

#define LARGE (1024 * 1024)
#define WORTH_IT ((size_t)128 * 1024)

/* Left alone, glibc raises its threshold to the largest block that was freed, keeps the next one of
 * that size in its heap, and the heap cannot shrink below whatever came behind it. */
void heap_tune(void)
{
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, LARGE);
}

bool heap_tidy(size_t *kept)
{
	size_t unused = mallinfo2().fordblks;
	bool worth_it = unused >= *kept + WORTH_IT;
	if (worth_it)
		malloc_trim(0);
	if (worth_it || unused < *kept)
		*kept = mallinfo2().fordblks;
	return worth_it;
}
