/*
 * Memory for small things that are held by the thousand and for long: each size has pages of its
 * own, apart from malloc's. There they would lie between buffers that come and go, one of them on a
 * page is enough to keep it, and after a burst half of the heap would be gaps. Pages on which
 * nothing is held any more go back to the system at once. One for the process (a global, as the
 * shared texts of intern.h are), single-threaded like the loop.
 */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <stddef.h>

/* Aligned for any type, not zeroed, never NULL. More than SLAB_MAX bytes come from malloc, and
 * under AddressSanitizer all do. */
#define SLAB_MAX 2048
void *slab_alloc(size_t size);
void *slab_zalloc(size_t size);            /* zeroed */
void slab_free(void *memory, size_t size); /* the size that was asked for */
size_t slab_bytes(void);                   /* of chunks (16 KiB each) in which anything is held */

#endif
