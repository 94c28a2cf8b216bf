/*
 * Kubernetes quantities (k8s.io/apimachinery resource.Quantity): parse, compare by value,
 * and the canonical text of a count of bytes or millicores.
 */
#ifndef UNITS_QUANTITY_H
#define UNITS_QUANTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "pkg/base/arena.h"
#include "pkg/units/decimal.h"

/* The grammar of resource.ParseQuantity: sign, decimal, then a suffix (n u m k M G T P E,
 * Ki Mi Gi Ti Pi Ei) or an exponent (e or E). out is the exact value (Go caps
 * at 2^63-1 and rounds below a nano up); what struct decimal cannot hold is refused, and so
 * are the digitless texts ("k", ".") that Go reads as 0. */
MUST_CHECK bool quantity_parse(const char *text, struct decimal *out);
/* By value; false if either does not parse. */
bool quantity_equal(const char *a, const char *b);
/* 524288 -> "512Ki", 209715200 -> "200Mi", 1073741824 -> "1Gi", 1000 -> "1000". */
char *quantity_bytes(int64_t bytes, struct arena *arena);
/* 500 -> "500m", 2000 -> "2". */
char *quantity_millis(int64_t millis, struct arena *arena);

#endif
