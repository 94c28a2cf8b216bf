/* The Prometheus text format: every page whole and in chunks of 1 to 31 bytes, with the same end.
 */
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/strbuf.h"
#include "pkg/prom/text.h"
#include "test/lib/test.h"

#define CHUNKS 31

static const char *const wanted[] = {"queued", "queue", "queued_total", NULL};

/* "name{label=value,...} 1;" for each sample. */
static void note(void *ctx, const struct prom_sample *sample)
{
	struct strbuf *told = ctx;
	strbuf_addf(told, "%s{", wanted[sample->family]);
	for (size_t i = 0; i < sample->label_count; i++)
		strbuf_addf(told, "%s%s=%s", i ? "," : "", sample->labels[i].name,
			    sample->labels[i].value);
	strbuf_addf(told, "} %g;", sample->value);
}

/* From a copy on the heap, so that reading past a chunk is seen. */
static void feed(struct prom_text *text, const char *page, size_t length, size_t chunk)
{
	for (size_t at = 0; at < length; at += chunk) {
		size_t part = length - at < chunk ? length - at : chunk;
		char *copy = xmalloc(part);
		memcpy(copy, page + at, part);
		prom_text_feed(text, copy, part);
		free(copy);
	}
}

/* What was told, and behind '!' what was said at the end. */
static void read_page(struct prom_text *text, struct strbuf *told, const char *page, size_t length,
		      size_t chunk)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	strbuf_reset(told);
	feed(text, page, length, chunk);
	if (!prom_text_end(text, &err))
		strbuf_addf(told, "! %s", error_text(&err));
}

static void expect_page(const char *page, size_t length, const char *want)
{
	CLEANUP(strbuf_release) struct strbuf told = STRBUF_INIT;
	struct prom_text *text = prom_text_new(wanted, note, &told);
	read_page(text, &told, page, length, length ? length : 1);
	EXPECT_TEXT(told.buf, want);
	for (size_t chunk = 1; chunk <= CHUNKS; chunk++) {
		read_page(text, &told, page, length, chunk);
		if (strcmp(told.buf, want) != 0)
			EXPECT_TEXT(told.buf, want);
	}
	prom_text_free(text);
}

#define NO_NUMBER "! line 1: the value is no number (1 such lines)"
#define BAD_LABELS "! line 1: malformed labels (1 such lines)"
#define BEHIND "! line 1: something behind the value that is no timestamp (1 such lines)"

static const struct {
	const char *page, *want;
} pages[] = {
    /* ---- lines ---- */
    {"", ""},
    {"\n\n \t\n\r\n", ""},
    {"queued 1", "queued{} 1;"},
    {"queued 1\n", "queued{} 1;"},
    {"queued 1\r\nqueued 2\r\n", "queued{} 1;queued{} 2;"},
    {" \tqueued\t1 \t\n", "queued{} 1;"},
    {"# HELP queued 1\n# TYPE queued gauge\n#queued 1\n# queued 1\nqueued 2\n", "queued{} 2;"},
    {"queued 1 1700000000000\nqueued 2 -1\nqueued 3\t+1 \n", "queued{} 1;queued{} 2;queued{} 3;"},
    /* ---- names ---- */
    {"queue 1\nqueued 2\nqueued_total 3\nqueued_ 4\nqueu 5\nqueued_total_ 6\nq 7\nx 8\n",
     "queue{} 1;queued{} 2;queued_total{} 3;"},
    {"queued_bucket{le=\"1\"} 1\nxqueued 1\nQueued 1\n", ""},
    {"{\"queued\",a=\"b\"} 1\n{queued} 1\n\"queued\" 1\n", ""},
    {"queued:sum 1\nqueued{} 2\n", "queued{} 2;"},
    {"queue", "! line 1: the value is no number (1 such lines)"},
    {"queu", ""},
    /* ---- labels ---- */
    {"queued{} 1", "queued{} 1;"},
    {"queued{a=\"b\"}1", "queued{a=b} 1;"},
    {"queued{a=\"b\",} 1", "queued{a=b} 1;"},
    {"queued { a = \"b\" , c\t=\t\"d\" , } 1", "queued{a=b,c=d} 1;"},
    {"queued{a=\"\",_b0=\"\xc3\xa9{}, =#\"} 1", "queued{a=,_b0=\xc3\xa9{}, =#} 1;"},
    {"queued{a=\"\\\\\",b=\"\\\"\",c=\"\\n\",d=\"x\\\\\\\"y\"} 1",
     "queued{a=\\,b=\",c=\n,d=x\\\"y} 1;"},
    {"queued{a=\"\\t\"} 1", BAD_LABELS},
    {"queued{a=\"\\", BAD_LABELS},
    {"queued{a=\"b", BAD_LABELS},
    {"queued{a=\"b\\\"} 1", BAD_LABELS},
    {"queued{a=b} 1", BAD_LABELS},
    {"queued{a} 1", BAD_LABELS},
    {"queued{=\"b\"} 1", BAD_LABELS},
    {"queued{,} 1", BAD_LABELS},
    {"queued{a=\"b\",,} 1", BAD_LABELS},
    {"queued{a=\"b\" c=\"d\"} 1", BAD_LABELS},
    {"queued{0a=\"b\"} 1", BAD_LABELS},
    {"queued{\"a\"=\"b\"} 1", BAD_LABELS},
    {"queued{a=\"b\" 1", BAD_LABELS},
    {"queued{", BAD_LABELS},
    /* ---- values ---- */
    {"queued 0\nqueued -0.5\nqueued +1.5e3\nqueued 2E-2\nqueued .5\nqueued 5.\n",
     "queued{} 0;queued{} -0.5;queued{} 1500;queued{} 0.02;queued{} 0.5;queued{} 5;"},
    {"queued +Inf\nqueued -Inf\nqueued Inf\nqueued NaN\n",
     "queued{} inf;queued{} -inf;queued{} inf;queued{} nan;"},
    {"queued 1.7976931348623157e+308\nqueued 1e-999\n", "queued{} 1.79769e+308;queued{} 0;"},
    {"queued\n", NO_NUMBER},
    {"queued \n", NO_NUMBER},
    {"queued{} \n", NO_NUMBER},
    {"queued 0x1p3\n", NO_NUMBER},
    {"queued 1e999\n", NO_NUMBER},
    {"queued 1_000\n", NO_NUMBER},
    {"queued 1,5\n", NO_NUMBER},
    {"queued nan(1)\n", NO_NUMBER},
    {"queued 1e\n", NO_NUMBER},
    {"queued .\n", NO_NUMBER},
    {"queued --1\n", NO_NUMBER},
    {"queued one\n", NO_NUMBER},
    {"queued 1\v\n", NO_NUMBER},
    {"queued 1 2 3\n", BEHIND},
    {"queued 1 2.5\n", BEHIND},
    {"queued 1 -\n", BEHIND},
    {"queued 1 # {a=\"b\"} 1\n", BEHIND},
    /* ---- the rest of the page still counts ---- */
    {"x{ 1\nqueued{ 1\nqueued 2\nqueued x\nqueued 3\n",
     "queued{} 2;queued{} 3;! line 2: malformed labels (2 such lines)"},
};

TEST(prom, reads_in_any_chunks)
{
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		test_row("%s", pages[i].page);
		expect_page(pages[i].page, strlen(pages[i].page), pages[i].want);
	}
}

TEST(prom, a_nul_is_no_end)
{
	static const char page[] =
	    "queued\0 1\nqueued 1\0\nqueued{a=\"\0\"} 1\nqueue\0d 1\n\0queued 1\n"
	    "queued 2\n";
	expect_page(page, sizeof(page) - 1, "queued{} 2;! line 2: a NUL in it (2 such lines)");
}

/* A line of that many bytes behind its name. */
static void add_line(struct strbuf *page, size_t length)
{
	size_t frame = strlen("{a=\"\"} 1");
	strbuf_addstr(page, "queued{a=\"");
	for (size_t i = frame; i < length; i++)
		strbuf_addch(page, 'x');
	strbuf_addstr(page, "\"} 1");
}

static size_t told_of_line(size_t length)
{
	CLEANUP(strbuf_release) struct strbuf page = STRBUF_INIT, told = STRBUF_INIT;
	struct prom_text *text = prom_text_new(wanted, note, &told);
	add_line(&page, length);
	read_page(text, &told, page.buf, page.len, page.len);
	size_t whole = told.len;
	read_page(text, &told, page.buf, page.len, 7);
	EXPECT_INT(told.len, whole);
	prom_text_free(text);
	return told.buf[0] == '!' ? 0 : whole;
}

TEST(prom, a_line_has_a_limit)
{
	CLEANUP(strbuf_release) struct strbuf page = STRBUF_INIT;
	EXPECT(told_of_line(PROM_LINE_MAX) > PROM_LINE_MAX);
	EXPECT_INT(told_of_line(PROM_LINE_MAX + 1), 0);
	add_line(&page, 3 * PROM_LINE_MAX);
	strbuf_addstr(&page, "\nqueued 2\n");
	expect_page(page.buf, page.len, "queued{} 2;! line 1: the line is too long (1 such lines)");
}

TEST(prom, an_unwanted_line_has_none)
{
	CLEANUP(strbuf_release) struct strbuf page = STRBUF_INIT;
	strbuf_addstr(&page, "queued_x{a=\"");
	for (size_t i = 0; i < 1000000; i++)
		strbuf_addch(&page, 'x');
	strbuf_addstr(&page, "\"} 1\nqueued 2\n");
	expect_page(page.buf, page.len, "queued{} 2;");
}

TEST(prom, labels_have_a_limit)
{
	for (size_t count = PROM_LABELS_MAX; count <= PROM_LABELS_MAX + 1; count++) {
		CLEANUP(strbuf_release) struct strbuf page = STRBUF_INIT, want = STRBUF_INIT;
		strbuf_addstr(&page, "queued{");
		strbuf_addstr(&want, "queued{");
		for (size_t i = 0; i < count; i++) {
			strbuf_addf(&page, "a=\"%zu\",", i);
			strbuf_addf(&want, "%sa=%zu", i ? "," : "", i);
		}
		strbuf_addstr(&page, "} 1\n");
		strbuf_addstr(&want, "} 1;");
		expect_page(page.buf, page.len,
			    count > PROM_LABELS_MAX ? "! line 1: too many labels (1 such lines)"
						    : want.buf);
	}
}

/* "queued 12" of "queued 123" is nobody's number. */
TEST(prom, a_page_that_breaks_off_tells_no_half_line)
{
	static const char page[] = "queued 1\nqueued{a=\"b\"} 123\n";
	for (size_t cut = 0; cut < sizeof(page) - 1; cut++) {
		CLEANUP(strbuf_release) struct strbuf told = STRBUF_INIT;
		struct prom_text *text = prom_text_new(wanted, note, &told);
		feed(text, page, cut, 5);
		prom_text_abort(text);
		EXPECT_TEXT(told.buf, cut < strlen("queued 1\n") ? "" : "queued{} 1;");
		read_page(text, &told, "queued 2", strlen("queued 2"), 3);
		EXPECT_TEXT(told.buf, "queued{} 2;");
		prom_text_free(text);
	}
}

TEST(prom, each_page_counts_its_own_lines)
{
	CLEANUP(strbuf_release) struct strbuf told = STRBUF_INIT;
	struct prom_text *text = prom_text_new(wanted, note, &told);
	feed(text, "x\nqueued x\n", 11, 11);
	prom_text_abort(text);
	read_page(text, &told, "\n\nqueued y\n", 11, 11);
	EXPECT_TEXT(told.buf, "! line 3: the value is no number (1 such lines)");
	read_page(text, &told, "queued 1\n", 9, 9);
	EXPECT_TEXT(told.buf, "queued{} 1;");
	prom_text_free(text);
}

/* ---- a page as an activator has it ---- */

static const char *const of_activator[] = {"kn_revision_request_queued",
					   "kn_revision_request_active",
					   "http_server_request_duration_seconds_count", NULL};

static void note_activator(void *ctx, const struct prom_sample *sample)
{
	struct strbuf *told = ctx;
	const char *code = prom_label_get(sample, "http_response_status_code");
	EXPECT(prom_label_get(sample, "otel_scope_version"));
	strbuf_addf(told, "%zu %s/%s", sample->family, prom_label_get(sample, "k8s_namespace_name"),
		    prom_label_get(sample, "kn_revision_name"));
	strbuf_addf(told, " %s %g\n", code ? code : "-", sample->value);
}

TEST(prom, reads_an_activator)
{
	size_t length;
	char *page = test_read_file(SOURCE_DIR "/test/fuzz/seeds/prom_text/activator", &length);
	for (size_t chunk = 1; chunk <= CHUNKS + 1; chunk++) {
		CLEANUP(strbuf_release) struct strbuf told = STRBUF_INIT;
		struct prom_text *text = prom_text_new(of_activator, note_activator, &told);
		read_page(text, &told, page, length, chunk > CHUNKS ? length : chunk);
		EXPECT_TEXT(told.buf, "2 default/hello-00001 200 17\n"
				      "2 default/hello-00001 503 2\n"
				      "2 team-b/shop-00042 200 5\n"
				      "1 default/hello-00001 - 3\n"
				      "1 team-b/shop-00042 - 0\n"
				      "0 default/hello-00001 - 0\n"
				      "0 default/sleepy-00007 - 1\n");
		prom_text_free(text);
	}
	free(page);
}

struct named {
	const char *const *names;
	struct strbuf *told;
};

static void note_name(void *ctx, const struct prom_sample *sample)
{
	const struct named *named = ctx;
	strbuf_addf(named->told, "%s=%g ", named->names[sample->family], sample->value);
}

/* Names that begin alike, in every order: the one that the line has is told. */
TEST(prom, names_in_any_order)
{
	static const char *const orders[][5] = {{"ab", "a", "abc", "b"},
						{"a", "ab", "abc", "b"},
						{"abc", "b", "ab", "a"},
						{"b", "abc", "a", "ab"}};
	static const char page[] = "a 1\nab 2\nabc 3\nabcd 4\nb 5\nbc 6\nac 7\nabd 8\n";
	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		CLEANUP(strbuf_release) struct strbuf told = STRBUF_INIT;
		struct named named = {orders[i], &told};
		struct prom_text *text = prom_text_new(orders[i], note_name, &named);
		feed(text, page, sizeof(page) - 1, 1);
		EXPECT(prom_text_end(text, NULL));
		EXPECT_TEXT(told.buf, "a=1 ab=2 abc=3 b=5 ");
		prom_text_feed(text, "a nonsense\n", 11);
		EXPECT_FALSE(prom_text_end(text, NULL));
		prom_text_free(text);
	}
	prom_text_free(NULL);
}

TEST_MAIN(TEST_OF(prom, reads_in_any_chunks), TEST_OF(prom, a_nul_is_no_end),
	  TEST_OF(prom, a_line_has_a_limit), TEST_OF(prom, an_unwanted_line_has_none),
	  TEST_OF(prom, labels_have_a_limit),
	  TEST_OF(prom, a_page_that_breaks_off_tells_no_half_line),
	  TEST_OF(prom, each_page_counts_its_own_lines), TEST_OF(prom, reads_an_activator),
	  TEST_OF(prom, names_in_any_order))
