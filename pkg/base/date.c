/*
 * The three ways Kubernetes and HTTP write a time. Parsing is strict: a date that does not exist,
 * or a byte too many, is refused.
 */
#include "pkg/base/date.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY_MS INT64_C(86400000)

struct moment {
	int year, month, day, hour, minute, second, millis;
};

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days since 1970-01-01 in the proleptic Gregorian calendar; years count from March here,
 * so that the leap day is a year's last. */
static int64_t days_since_epoch(int year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * 146097 + day_of_era - 719468;
}

static int64_t moment_ms(const struct moment *m)
{
	int64_t seconds = (m->hour * 60 + m->minute) * 60 + m->second;
	return days_since_epoch(m->year, m->month, m->day) * DAY_MS + seconds * 1000 + m->millis;
}

static bool moment_exists(const struct moment *m)
{
	return m->month >= 1 && m->month <= 12 && m->day >= 1 &&
	       m->day <= days_in_month(m->year, m->month) && m->hour <= 23 && m->minute <= 59 &&
	       m->second <= 59;
}

/* Years that RFC 3339 cannot write are held at its ends. */
static struct moment moment_of(int64_t wall_ms, struct tm *tm)
{
	const int64_t first = days_since_epoch(0, 1, 1) * DAY_MS;
	const int64_t last = days_since_epoch(10000, 1, 1) * DAY_MS - 1;
	wall_ms = wall_ms < first ? first : wall_ms > last ? last : wall_ms;
	int64_t millis = (wall_ms % 1000 + 1000) % 1000;
	time_t seconds = (time_t)((wall_ms - millis) / 1000);
	gmtime_r(&seconds, tm);
	return (struct moment){.year = tm->tm_year + 1900, .millis = (int)millis};
}

void time_format_rfc3339(int64_t wall_ms, char out[TIME_RFC3339_SIZE])
{
	struct tm tm;
	struct moment m = moment_of(wall_ms, &tm);
	int used = snprintf(out, TIME_RFC3339_SIZE, "%04u", (unsigned)m.year % 10000);
	strftime(out + used, TIME_RFC3339_SIZE - (size_t)used, "-%m-%dT%H:%M:%SZ", &tm);
}

void time_format_rfc3339_ms(int64_t wall_ms, char out[TIME_RFC3339_SIZE])
{
	struct tm tm;
	struct moment m = moment_of(wall_ms, &tm);
	time_format_rfc3339(wall_ms, out);
	size_t length = strlen(out) - 1;
	snprintf(out + length, TIME_RFC3339_SIZE - length, ".%03uZ", (unsigned)m.millis % 1000);
}

/* ---- parsing ---- */

/* Exactly count digits. */
static bool take_digits(const char **at, int count, int *out)
{
	*out = 0;
	for (int i = 0; i < count; i++, (*at)++) {
		if (!isdigit((unsigned char)**at))
			return false;
		*out = *out * 10 + (**at - '0');
	}
	return true;
}

static bool take_text(const char **at, const char *text)
{
	size_t length = strlen(text);
	if (strncmp(*at, text, length) != 0)
		return false;
	*at += length;
	return true;
}

/* Any number of digits, of which the first three count. */
static bool take_fraction(const char **at, int *millis)
{
	*millis = 0;
	if (!take_text(at, "."))
		return true;
	int weight = 100;
	if (!isdigit((unsigned char)**at))
		return false;
	for (; isdigit((unsigned char)**at); (*at)++, weight /= 10)
		*millis += (**at - '0') * weight;
	return true;
}

static bool take_offset(const char **at, int *minutes)
{
	*minutes = 0;
	if (take_text(at, "Z"))
		return true;
	int sign = take_text(at, "+") ? 1 : -1, hour, minute;
	if (sign < 0 && !take_text(at, "-"))
		return false;
	if (!take_digits(at, 2, &hour) || !take_text(at, ":") || !take_digits(at, 2, &minute))
		return false;
	*minutes = sign * (hour * 60 + minute);
	return hour <= 23 && minute <= 59;
}

static bool take_time(const char **at, struct moment *m)
{
	return take_digits(at, 2, &m->hour) && take_text(at, ":") &&
	       take_digits(at, 2, &m->minute) && take_text(at, ":") &&
	       take_digits(at, 2, &m->second);
}

bool time_parse_rfc3339(const char *text, int64_t *wall_ms)
{
	struct moment m = {0};
	int offset;
	bool fits = take_digits(&text, 4, &m.year) && take_text(&text, "-") &&
		    take_digits(&text, 2, &m.month) && take_text(&text, "-") &&
		    take_digits(&text, 2, &m.day) && take_text(&text, "T") &&
		    take_time(&text, &m) && take_fraction(&text, &m.millis) &&
		    take_offset(&text, &offset) && *text == 0 && moment_exists(&m);
	if (fits)
		*wall_ms = moment_ms(&m) - offset * INT64_C(60000);
	return fits;
}

/* Answers which of the names (three letters each) stands there, from 1; 0 for none. */
static int take_name(const char **at, const char *names)
{
	for (int i = 0; names[i * 3]; i++)
		if (strncmp(*at, names + i * 3, 3) == 0) {
			*at += 3;
			return i + 1;
		}
	return 0;
}

bool time_parse_http_date(const char *text, int64_t *wall_ms)
{
	struct moment m = {0};
	bool fits = take_name(&text, "MonTueWedThuFriSatSun") && take_text(&text, ", ") &&
		    take_digits(&text, 2, &m.day) && take_text(&text, " ") &&
		    (m.month = take_name(&text, "JanFebMarAprMayJunJulAugSepOctNovDec")) &&
		    take_text(&text, " ") && take_digits(&text, 4, &m.year) &&
		    take_text(&text, " ") && take_time(&text, &m) && take_text(&text, " GMT") &&
		    *text == 0 && moment_exists(&m) && m.year >= 1970;
	if (fits)
		*wall_ms = moment_ms(&m);
	return fits;
}
