/*
 * Texts that repeat (namespaces, classes, annotation keys), held once and counted. The
 * cache of watched objects lives by it. Single-threaded like the loop that fills it.
 */
#ifndef BASE_INTERN_H
#define BASE_INTERN_H

#include <stddef.h>

/* The shared copy; equal texts give the same pointer. NULL gives NULL. */
const char *intern_ref(const char *text);
/* The same without holding it, NULL if there is none. */
const char *intern_known(const char *text);
void intern_unref(const char *text); /* as often as intern_ref; NULL is fine */
size_t intern_bytes(void);

#endif
