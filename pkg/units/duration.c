/*
 * Go durations. Values are collected unsigned, because -2^63 ns has no positive twin.
 */
#include "pkg/units/duration.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LIMIT (UINT64_C(1) << 63)
#define SECOND UINT64_C(1000000000)

static const struct {
	const char *name;
	uint64_t nanoseconds;
} units[] = {
    {"ns", 1},           {"us", 1000},  {"\xC2\xB5s", 1000}, /* U+00B5 */
    {"\xCE\xBCs", 1000},                                     /* U+03BC */
    {"ms", 1000000},     {"s", SECOND}, {"m", 60 * SECOND},  {"h", 3600 * SECOND},
};

/* Answers 0 if there is no such unit. */
static uint64_t take_unit(const char **at)
{
	size_t length = strcspn(*at, ".0123456789");
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (strlen(units[i].name) == length && memcmp(*at, units[i].name, length) == 0) {
			*at += length;
			return units[i].nanoseconds;
		}
	return 0;
}

static bool take_whole(const char **at, uint64_t *value)
{
	*value = 0;
	for (; isdigit((unsigned char)**at); (*at)++) {
		if (*value > LIMIT / 10)
			return false;
		*value = *value * 10 + (uint64_t)(**at - '0');
		if (*value > LIMIT)
			return false;
	}
	return true;
}

/* What stands behind the point, as value / scale; digits that no longer fit are dropped. */
static void take_fraction(const char **at, uint64_t *value, double *scale)
{
	bool full = false;
	*value = 0;
	*scale = 1;
	for (; isdigit((unsigned char)**at); (*at)++) {
		full = full || *value > (LIMIT - 1) / 10;
		if (full)
			continue;
		*value = *value * 10 + (uint64_t)(**at - '0');
		*scale *= 10;
	}
}

/* One number with its unit, added to total. */
static bool take_part(const char **at, uint64_t *total)
{
	const char *start = *at;
	uint64_t whole, fraction = 0;
	double scale = 1;
	if (!take_whole(at, &whole))
		return false;
	size_t digits = (size_t)(*at - start);
	if (**at == '.') {
		start = ++*at;
		take_fraction(at, &fraction, &scale);
		digits += (size_t)(*at - start);
	}
	uint64_t unit = digits > 0 ? take_unit(at) : 0;
	if (unit == 0 || whole > LIMIT / unit)
		return false;
	/* Doubles, as in Go, so that both round the same way. */
	uint64_t part = whole * unit + (uint64_t)((double)fraction * ((double)unit / scale));
	*total += part;
	return part <= LIMIT && *total <= LIMIT;
}

bool duration_parse(const char *text, int64_t *nanoseconds)
{
	uint64_t total = 0;
	bool negative = *text == '-';
	if (*text == '-' || *text == '+')
		text++;
	if (*text == 0)
		return false;
	if (strcmp(text, "0") != 0)
		while (*text)
			if (!take_part(&text, &total))
				return false;
	if (total == LIMIT && !negative)
		return false;
	*nanoseconds = total == LIMIT ? INT64_MIN : negative ? -(int64_t)total : (int64_t)total;
	return true;
}

/* value / 10^places with its trailing zeros cut. */
static size_t put_fraction(char *out, size_t size, uint64_t value, int places)
{
	uint64_t scale = 1;
	for (int i = 0; i < places; i++)
		scale *= 10;
	size_t length = (size_t)snprintf(out, size, "%" PRIu64, value / scale);
	if (value % scale == 0)
		return length;
	length +=
	    (size_t)snprintf(out + length, size - length, ".%0*" PRIu64, places, value % scale);
	while (out[length - 1] == '0')
		out[--length] = 0;
	return length;
}

static void format_small(uint64_t value, char *out, size_t size)
{
	const char *unit = value < 1000 ? "ns" : value < 1000000 ? "\xC2\xB5s" : "ms";
	int places = value < 1000 ? 0 : value < 1000000 ? 3 : 6;
	size_t length = put_fraction(out, size, value, places);
	snprintf(out + length, size - length, "%s", unit);
}

void duration_format(int64_t nanoseconds, char out[32])
{
	uint64_t value = nanoseconds < 0 ? -(uint64_t)nanoseconds : (uint64_t)nanoseconds;
	size_t size = 32, length = 0;
	if (nanoseconds < 0)
		out[length++] = '-';
	if (value == 0) {
		snprintf(out, size, "0s");
		return;
	}
	if (value < SECOND) {
		format_small(value, out + length, size - length);
		return;
	}
	uint64_t minutes = value / SECOND / 60;
	if (minutes >= 60)
		length +=
		    (size_t)snprintf(out + length, size - length, "%" PRIu64 "h", minutes / 60);
	if (minutes > 0)
		length +=
		    (size_t)snprintf(out + length, size - length, "%" PRIu64 "m", minutes % 60);
	length += put_fraction(out + length, size - length, value % (60 * SECOND), 9);
	snprintf(out + length, size - length, "s");
}
