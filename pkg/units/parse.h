/* The scalar types of annotations and ConfigMaps, read as Go reads them. */
#ifndef UNITS_PARSE_H
#define UNITS_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "pkg/base/compiler.h"

/* strconv.ParseInt(s, 10, 32): optional sign, digits only, in range. */
MUST_CHECK bool parse_int32(const char *text, int32_t *out);
/* strconv.ParseBool: 1 t T TRUE true True 0 f F FALSE false False. */
MUST_CHECK bool parse_bool(const char *text, bool *out);
/* http or https URL with a host, as net/url would accept for a request. */
bool parse_http_url(const char *text);

#endif
