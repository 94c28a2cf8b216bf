/* Each splits the text in place, without a copy, and refuses the first part that is wrong. */
#include "reconciler/hpa/annotation_checks.h"

#include <string.h>

#include "pkg/base/check.h"
#include "pkg/units/duration.h"
#include "pkg/units/parse.h"

#define BLANKS " \t\r\n"

static bool wrong(const struct annotation_value *value, struct arena *arena,
		  struct refusal *refusal, const char *what)
{
	return refuse(refusal, arena, value->key, value->row->secret ? NULL : value->text,
		      "%s; use %s, for example %s", what, value->row->right, value->row->example);
}

struct span {
	const char *text;
	size_t length;
};

static struct span trimmed(const char *text, size_t length)
{
	while (length > 0 && strchr(BLANKS, text[length - 1]))
		length--;
	size_t blanks = strspn(text, BLANKS);
	if (blanks > length)
		blanks = length;
	return (struct span){text + blanks, length - blanks};
}

/* Cuts the part before the next comma off; false behind the last. */
static bool next_part(const char **rest, struct span *part)
{
	if (!*rest)
		return false;
	const char *comma = strchrnul(*rest, ',');
	*part = trimmed(*rest, (size_t)(comma - *rest));
	*rest = *comma ? comma + 1 : NULL;
	return true;
}

bool check_percentage(const struct annotation_value *value, struct arena *arena,
		      struct refusal *refusal)
{
	struct decimal most;

	CHECK(decimal_parse("100", &most));
	if (decimal_compare(&value->decimal, &most) <= 0)
		return true;
	return wrong(value, arena, refusal, "is too large");
}

/* Of the negative numbers only -1 means something. */
bool check_burst_capacity(const struct annotation_value *value, struct arena *arena,
			  struct refusal *refusal)
{
	struct decimal none;

	CHECK(decimal_parse("-1", &none));
	if (!value->decimal.negative || decimal_compare(&value->decimal, &none) == 0)
		return true;
	return wrong(value, arena, refusal, "is too small");
}

static bool is_auth_mode(const struct span *part)
{
	static const char *const modes[] = {"bearer", "basic", "tls", "custom", "oauth", "apiKey"};

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		if (strlen(modes[i]) == part->length &&
		    memcmp(modes[i], part->text, part->length) == 0)
			return true;
	return false;
}

bool check_auth_modes(const struct annotation_value *value, struct arena *arena,
		      struct refusal *refusal)
{
	const char *rest = value->text;

	for (struct span part; next_part(&rest, &part);)
		if (!is_auth_mode(&part))
			return wrong(value, arena, refusal, "holds an unknown mode");
	return true;
}

static bool is_pair(const struct span *part)
{
	const char *equals = memchr(part->text, '=', part->length);

	if (!equals || equals == part->text)
		return false;
	size_t behind = (size_t)(equals - part->text) + 1;
	return !memchr(part->text + behind, '=', part->length - behind);
}

bool check_pairs(const struct annotation_value *value, struct arena *arena, struct refusal *refusal)
{
	const char *rest = value->text;

	for (struct span part; next_part(&rest, &part);)
		if (!is_pair(&part))
			return wrong(value, arena, refusal, "holds a part that is no key=value");
	return true;
}

bool check_timeout(const struct annotation_value *value, struct arena *arena,
		   struct refusal *refusal)
{
	int32_t milliseconds;
	int64_t nanoseconds;

	if (parse_int32(value->text, &milliseconds))
		nanoseconds = milliseconds;
	else if (!duration_parse(value->text, &nanoseconds))
		return wrong(value, arena, refusal, "is no duration");
	return nanoseconds > 0 ? true : wrong(value, arena, refusal, "is too small");
}
