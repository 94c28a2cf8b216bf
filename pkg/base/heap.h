/*
 * malloc, told what kind of program this is: one thread, and bursts after which it rests for days.
 * Nothing here changes what anybody gets from malloc; without it only more memory stays with us.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>

/* At the start, before other threads: one arena for all; blocks of 1 MiB and more go back to the
 * system as soon as they are freed. */
void heap_tune(void);
/* From time to time: what a burst has left free goes back, page by page, if that is worth it. *kept
 * is the caller's to keep, 0 at first: how much was free and not worth it the last time. True: some
 * went back. */
bool heap_tidy(size_t *kept);

#endif
