/* What of a foreign text is not shown, and what is left as it is. */
#include "pkg/base/mask.h"

#include <stdlib.h>
#include <string.h>

#include "test/lib/test.h"

TEST(mask, hides_what_looks_like_a_credential)
{
	static const struct {
		const char *text, *shown; /* NULL: as it is */
	} rows[] = {
	    {"", NULL},
	    {"https://user:pw@host:9090/x", "https://***@host:9090/x"},
	    {"https://token@host", "https://***@host"},
	    {"http://u:p/a@ss@host/", "http://***@host/"},
	    {"a http://u:p@h and https://u:p@h", "a http://***@h and https://***@h"},
	    {"\"https://u:p@h\"", "\"https://***@h\""},
	    {"https://host/x?timeout=10s", NULL},
	    {"mail a@b, http://h", NULL},
	    {"://@h", NULL},
	    {"https://", NULL},
	    {"https://h/?token=abc&n=1", "https://h/?token=***&n=1"},
	    {"?access_token=abc", "?access_token=***"},
	    {"Endpoint=sb://x/;SharedAccessKey=abc=;b=c",
	     "Endpoint=sb://x/;SharedAccessKey=***;b=c"},
	    {"?sv=1&sig=abc%3D", "?sv=1&sig=***"},
	    {"design=abc", NULL},
	    {"X-Api-Key=abc,X-Scope-OrgID=team-a", "X-Api-Key=***,X-Scope-OrgID=team-a"},
	    {"Authorization=Basic dXNlcjpwdw==,a=b", "Authorization=***,a=b"},
	    {"Authorization: Bearer eyJhbGciOiJSUzI1NiJ9.x", "Authorization: Bearer ***"},
	    {"bearer tokens", NULL},
	    {"host=db password=hunter2", "host=db password=***"},
	    {"{\"password\":\"hunter2\",\"a\":1}", "{\"password\":\"***\",\"a\":1}"},
	    {"{\"password\": 12345}", "{\"password\": ***}"},
	    {"{\\\"passwd\\\":\\\"x\\\"}", "{\\\"passwd\\\":\\\"***\\\"}"},
	    {"metadata.password: Required value", NULL},
	    {"holds a part that is no key=value", NULL},
	    {"token=", NULL},
	    {"=", NULL},
	    {":", NULL},
	    {"token=a\nb", "token=***\nb"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;

		strbuf_add_masked(&out, rows[i].text, strlen(rows[i].text));
		EXPECT_TEXT(out.buf, rows[i].shown ? rows[i].shown : rows[i].text);
	}
}

TEST(mask, a_text_may_end_anywhere)
{
	static const char text[] = "https://user:pw@host?token=xyz \"password\":\"x\" Bearer "
				   "0123456789abcdef";

	for (size_t length = 0; length < sizeof(text); length++) {
		CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
		char *part = strndup(text, length);

		strbuf_add_masked(&out, part, length);
		EXPECT(length < 15 || !strstr(out.buf, "user:pw@"));
		EXPECT(!strstr(out.buf, "xyz"));
		free(part);
	}
}

TEST_MAIN(TEST_OF(mask, hides_what_looks_like_a_credential), TEST_OF(mask, a_text_may_end_anywhere))
