/* What the statuses of KEDA's objects have in common, read leniently. */
#ifndef KEDA_STATUS_H
#define KEDA_STATUS_H

#include <stdint.h>

#include "pkg/json/json.h"

#define STATUS_TEXT_MAX 512 /* bytes kept of a message */

/* The condition of that type in object.status; NULL if there is none. */
const struct json *status_condition(const struct json *object, const char *type);
/* Its status: -1 no condition, 0 False, 1 True, 2 Unknown or anything else. */
int status_value(const struct json *condition);
/* An integer in int32's range, else fallback. */
int32_t status_int32(const struct json *v, int32_t fallback);
/* A text in the arena, cut at STATUS_TEXT_MAX bytes but not within a character; "" if none. */
const char *status_text(const struct json *v, struct arena *arena);

#endif
