/* Times as texts, both ways. Pure: no clock is read here. */
#ifndef BASE_DATE_H
#define BASE_DATE_H

#include <stdbool.h>
#include <stdint.h>

#define TIME_RFC3339_SIZE 32 /* room for either form, NUL included */
/* "2026-01-02T03:04:05Z" (metav1.Time has whole seconds). */
void time_format_rfc3339(int64_t wall_ms, char out[TIME_RFC3339_SIZE]);
/* "2026-01-02T03:04:05.678Z" (logs, metav1.MicroTime accepts it). */
void time_format_rfc3339_ms(int64_t wall_ms, char out[TIME_RFC3339_SIZE]);
/* RFC 3339 with optional fraction and Z or an offset; false if it is not. */
bool time_parse_rfc3339(const char *text, int64_t *wall_ms);
/* IMF-fixdate of RFC 9110 5.6.7, the form of the Date header; false if it is not, and for years
 * before 1970. */
bool time_parse_http_date(const char *text, int64_t *wall_ms);

#endif
