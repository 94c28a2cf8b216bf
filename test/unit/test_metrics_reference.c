/*
 * docs/operations.md lists every metric that the program has, between two comments. With
 * UPDATE_DOCS=1 this program writes that list.
 */
#include "reconciler/controller/meters_requests.h"
#include "reconciler/http/meters.h"
#include "test/unit/shell_fixture.h"

#define DOCUMENT SOURCE_DIR "/docs/operations.md"
#define BEGIN "<!-- metrics: begin -->\n"
#define END "<!-- metrics: end -->\n"

static void describe(struct strbuf *out)
{
	struct fixture f;
	struct request_meters *requests;
	struct http_meters *http;

	setup(&f);
	requests = request_meters_new(f.metrics, "https://server");
	http = http_meters_new(f.metrics, NULL, NULL);
	metrics_process(f.metrics);
	metrics_describe(f.metrics, out);
	http_meters_free(http);
	request_meters_free(requests);
	teardown(&f);
}

static void update(const char *document, const char *begin, const char *end,
		   const struct strbuf *list)
{
	FILE *file = fopen(DOCUMENT, "w");

	CHECK(file);
	fwrite(document, 1, (size_t)(begin - document), file);
	fwrite(list->buf, 1, list->len, file);
	fputs(end, file);
	CHECK(fclose(file) == 0);
}

TEST(reference, document_lists_every_metric)
{
	CLEANUP(strbuf_release) struct strbuf list = STRBUF_INIT;
	size_t length;
	char *document = test_read_file(DOCUMENT, &length);
	const char *begin = strstr(document, BEGIN), *end = strstr(document, END);

	describe(&list);
	test_row("mend it: UPDATE_DOCS=1 build/tests/test_metrics_reference");
	EXPECT(begin && end && begin < end);
	if (begin && end) {
		begin += strlen(BEGIN);
		if (getenv("UPDATE_DOCS"))
			update(document, begin, end, &list);
		else
			EXPECT(list.len == (size_t)(end - begin) &&
			       memcmp(list.buf, begin, list.len) == 0);
	}
	free(document);
}

TEST_MAIN(TEST_OF(reference, document_lists_every_metric))
