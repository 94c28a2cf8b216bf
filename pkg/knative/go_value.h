/*
 * Values of a ConfigMap as Go's strconv and time read and print them, with their error texts:
 * users know these from Knative's own log lines and webhook answers.
 */
#ifndef KNATIVE_GO_VALUE_H
#define KNATIVE_GO_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "pkg/base/error.h"

#define GO_VALUE_SIZE 32 /* room for every printed value */

/* Nothing is trimmed. False with an ERROR_INVALID such as
 * `strconv.ParseInt: parsing "x": invalid syntax`. */
MUST_CHECK bool go_parse_bool(const char *text, bool *out, struct error *err);
MUST_CHECK bool go_parse_int32(const char *text, int32_t *out, struct error *err);
MUST_CHECK bool go_parse_uint32(const char *text, uint32_t *out, struct error *err);
MUST_CHECK bool go_parse_float(const char *text, double *out, struct error *err);
/* Nanoseconds; `time: missing unit in duration "5"`. */
MUST_CHECK bool go_parse_duration(const char *text, int64_t *out, struct error *err);

/* fmt's %v of a float64: the shortest digits that read back as the same number. */
void go_format_float(double value, char out[GO_VALUE_SIZE]);

#endif
