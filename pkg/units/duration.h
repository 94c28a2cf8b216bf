/* Go durations (time.ParseDuration) and counts of seconds. */
#ifndef UNITS_DURATION_H
#define UNITS_DURATION_H

#include <stdbool.h>
#include <stdint.h>

#include "pkg/base/compiler.h"

/* "1m30s", "1.5h", "-2us", "0"; false for what Go refuses, or what overflows int64 ns. */
MUST_CHECK bool duration_parse(const char *text, int64_t *nanoseconds);
/* As Go's Duration.String: "1m30s", "1.5s". Static size is enough for every value. */
void duration_format(int64_t nanoseconds, char out[32]);

#endif
