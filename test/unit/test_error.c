/* pkg/base/error.h: setting, wrapping, moving. */
#include <string.h>

#include "pkg/base/error.h"
#include "test/lib/test.h"

TEST(error, set_replaces_everything)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	EXPECT_TEXT(error_text(&err), "");
	EXPECT_FALSE(error_set(&err, ERROR_CONFLICT, "object %s", "a/b"));
	err.status = 409;
	err.retry_after_ms = 1000;
	EXPECT_TEXT(error_text(&err), "object a/b");
	EXPECT_INT(err.kind, ERROR_CONFLICT);
	EXPECT_FALSE(error_set(&err, ERROR_TRANSIENT, "again (%s)", error_text(&err)));
	EXPECT_TEXT(error_text(&err), "again (object a/b)");
	EXPECT_INT(err.kind, ERROR_TRANSIENT);
	EXPECT_INT(err.status, 0);
	EXPECT_INT(err.retry_after_ms, 0);
}

TEST(error, wraps_outside_in)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	EXPECT_FALSE(error_wrap(&err, "nothing"));
	EXPECT_INT(err.kind, ERROR_NONE);
	error_set(&err, ERROR_NOT_FOUND, "not found");
	err.status = 404;
	EXPECT_FALSE(error_wrap(&err, "get %s", "scaledobject"));
	EXPECT_FALSE(error_wrap(&err, "pass"));
	EXPECT_TEXT(error_text(&err), "pass: get scaledobject: not found");
	EXPECT_INT(err.kind, ERROR_NOT_FOUND);
	EXPECT_INT(err.status, 404);
}

TEST(error, null_takes_and_drops)
{
	EXPECT_FALSE(error_set(NULL, ERROR_FATAL, "dropped"));
	EXPECT_FALSE(error_wrap(NULL, "dropped"));
}

TEST(error, moves)
{
	CLEANUP(error_clear) struct error a = ERROR_INIT;
	CLEANUP(error_clear) struct error b = ERROR_INIT;
	error_set(&a, ERROR_GONE, "old");
	error_set(&b, ERROR_THROTTLED, "new");
	b.retry_after_ms = 5;
	error_take(&a, &b);
	EXPECT_TEXT(error_text(&a), "new");
	EXPECT_INT(a.retry_after_ms, 5);
	EXPECT_INT(b.kind, ERROR_NONE);
	EXPECT_TEXT(b.message, NULL);
	error_take(&a, &a);
	EXPECT_TEXT(error_text(&a), "new");
}

#define E "\xE2\x80\xA6"

TEST(error, tidies_what_it_quotes)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
	    {"", ""},
	    {"plain", "plain"},
	    {"0123456789ab", "0123456789ab"},
	    {"0123456789abc", "012345678" E},
	    {"a\nb\t\x1B\x7F"
	     "c",
	     "a b   c"},
	    {"\xC2\x85\xC2\xA0", " \xC2\xA0"},
	    {"\xC3\xA9\xC3", "\xC3\xA9?"},
	    {"\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9",
	     "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9"},
	    {"\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9x",
	     "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9" E},
	    {"01234567890\xF0\x9F\x98\x80", "012345678" E},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		test_row("%zu", i);
		error_set(&err, ERROR_INVALID, "%s", rows[i].text);
		EXPECT_FALSE(error_tidy(&err, 12));
		EXPECT_TEXT(error_text(&err), rows[i].want);
		EXPECT_INT(err.kind, ERROR_INVALID);
	}
	CLEANUP(error_clear) struct error none = ERROR_INIT;
	EXPECT_FALSE(error_tidy(&none, 12) || error_tidy(NULL, 12));
	EXPECT_TEXT(none.message, NULL);
}

TEST(error, kinds_have_distinct_names)
{
	for (int i = ERROR_NONE; i <= ERROR_FATAL; i++)
		for (int k = ERROR_NONE; k < i; k++)
			EXPECT(strcmp(error_kind_name((enum error_kind)i),
				      error_kind_name((enum error_kind)k)) != 0);
	EXPECT_TEXT(error_kind_name(ERROR_ALREADY_EXISTS), "already_exists");
}

TEST_MAIN(TEST_OF(error, set_replaces_everything), TEST_OF(error, wraps_outside_in),
	  TEST_OF(error, null_takes_and_drops), TEST_OF(error, moves),
	  TEST_OF(error, tidies_what_it_quotes), TEST_OF(error, kinds_have_distinct_names))
