/*
 * What the program's one thread is doing just now, kept so that another thread (the watchdog) can
 * read it without a lock at any moment, even when the first one hangs. One a process: the loop
 * beats, whoever works under it may say for whom.
 */
#ifndef BASE_PULSE_H
#define BASE_PULSE_H

#include <stddef.h>
#include <stdint.h>

#define PULSE_ABOUT_SIZE 336 /* "namespace/name" and its NUL: 63 + 1 + 253 + 1 at most */

/* Another thing begins; doing is static text. */
void pulse_beat(const char *doing);
/* For whom, until the next call; NULL: nobody. Copied, cut to PULSE_ABOUT_SIZE. No beat. */
void pulse_about(const char *key);

/* For the other thread. */
uint64_t pulse_count(void); /* beats so far */
const char *pulse_doing(void);
/* Quotes, backslashes and what is not printable ASCII come as '?': fit for a JSON string. */
void pulse_copy_about(char out[PULSE_ABOUT_SIZE]);

#endif
