/* What pages of 1,000 revisions cost: time is told, memory held to its bound. A page as activators
 * write it, the histogram with all its buckets. */
#include <stdlib.h>
#include <time.h>

#include "pkg/base/slab.h"
#include "pkg/base/strbuf.h"
#include "pkg/prom/text.h"
#include "reconciler/http/readings.h"
#include "test/lib/test.h"

#define REVISIONS 1000
#define BUCKETS 15
#define ACTIVATORS 3
#define ROUNDS 10
#define CHUNK 16384 /* as libcurl hands them over */
#define REVISION_BYTES 700

static const char *const wanted[] = {
    [READING_QUEUED] = "kn_revision_request_queued",
    [READING_ACTIVE] = "kn_revision_request_active",
    [READING_COMPLETED] = "http_server_request_duration_seconds_count",
    [READING_KINDS] = NULL,
};

struct reader {
	struct readings *readings;
	const char *activator;
	struct prom_text *text;
	size_t samples;
};

static void take(void *ctx, const struct prom_sample *sample)
{
	struct reader *reader = ctx;
	const char *ns = prom_label_get(sample, "k8s_namespace_name");
	const char *revision = prom_label_get(sample, "kn_revision_name");
	reader->samples++;
	if (ns && revision)
		readings_sample(reader->readings, reader->activator, ns, revision,
				(enum reading_kind)sample->family, sample->value);
}

static void add_gauge(struct strbuf *page, const char *name)
{
	for (int i = 0; i < REVISIONS; i++)
		strbuf_addf(page,
			    "%s{k8s_namespace_name=\"default\",kn_revision_name=\"app-%05d\","
			    "otel_scope_name=\"knative.dev/serving/pkg/activator\","
			    "otel_scope_schema_url=\"\",otel_scope_version=\"\"} %d\n",
			    name, i, i % 7);
}

static void add_line(struct strbuf *page, const char *end, int revision, int bucket)
{
	strbuf_addf(
	    page,
	    "http_server_request_duration_seconds_%s{http_request_method=\"GET\","
	    "http_response_status_code=\"200\",k8s_namespace_name=\"default\","
	    "kn_configuration_name=\"app\",kn_revision_name=\"app-%05d\","
	    "kn_service_name=\"app\",network_protocol_name=\"http\","
	    "network_protocol_version=\"1.1\",otel_scope_name=\"go.opentelemetry.io/contrib/"
	    "instrumentation/net/http/otelhttp\",otel_scope_schema_url=\"\","
	    "otel_scope_version=\"0.69.0\",server_address=\"app.default.example.com\","
	    "url_scheme=\"http\"",
	    end, revision);
	if (bucket >= 0)
		strbuf_addf(page, ",le=\"%d\"", bucket);
	strbuf_addf(page, "} %d\n", revision);
}

static void add_histogram(struct strbuf *page)
{
	for (int i = 0; i < REVISIONS; i++) {
		for (int bucket = 0; bucket < BUCKETS; bucket++)
			add_line(page, "bucket", i, bucket);
		add_line(page, "sum", i, -1);
		add_line(page, "count", i, -1);
	}
}

static void read_page(struct reader *reader, const struct strbuf *page, enum readings_page kind,
		      int64_t now_ms)
{
	readings_begin(reader->readings, reader->activator, kind, now_ms);
	for (size_t at = 0; at < page->len; at += CHUNK)
		prom_text_feed(reader->text, page->buf + at,
			       page->len - at < CHUNK ? page->len - at : CHUNK);
	EXPECT(prom_text_end(reader->text, NULL));
	readings_end(reader->readings, reader->activator, now_ms);
}

static void watch_all(struct readings *readings)
{
	size_t before = slab_bytes();
	for (int i = 0; i < REVISIONS; i++) {
		char name[16];
		snprintf(name, sizeof(name), "app-%05d", i);
		readings_watch(readings, "default", name);
	}
	size_t each = (slab_bytes() - before) / REVISIONS;
	printf("%zu bytes a revision\n", each);
	EXPECT(each < REVISION_BYTES);
}

static void measure(struct reader *reader, const char *what, const struct strbuf *page,
		    enum readings_page kind, int64_t *now_ms)
{
	static const char *const activators[ACTIVATORS] = {"10.0.0.1", "10.0.0.2", "10.0.0.3"};
	clock_t begin = clock();
	reader->samples = 0;
	for (int i = 0; i < ROUNDS * ACTIVATORS; i++) {
		reader->activator = activators[i % ACTIVATORS];
		read_page(reader, page, kind, *now_ms += 50);
	}
	double ms = (double)(clock() - begin) * 1000 / CLOCKS_PER_SEC / ROUNDS / ACTIVATORS;
	printf("%s: %zu bytes, %zu samples, %.2f ms a page\n", what, page->len,
	       reader->samples / ROUNDS / ACTIVATORS, ms);
}

TEST(readings, cost_of_a_page)
{
	CLEANUP(strbuf_release) struct strbuf page = STRBUF_INIT;
	struct reader reader = {.readings = readings_new()};
	int64_t now_ms = 1000;
	reader.text = prom_text_new(wanted, take, &reader);
	watch_all(reader.readings);
	add_gauge(&page, wanted[READING_QUEUED]);
	add_gauge(&page, wanted[READING_ACTIVE]);
	measure(&reader, "gauges", &page, READINGS_GAUGES, &now_ms);
	EXPECT_INT(reader.samples, 2 * REVISIONS * ROUNDS * ACTIVATORS);
	add_histogram(&page);
	measure(&reader, "and counters", &page, READINGS_ALL, &now_ms);
	EXPECT_INT(reader.samples, 3 * REVISIONS * ROUNDS * ACTIVATORS);
	prom_text_free(reader.text);
	readings_free(reader.readings);
}

TEST_MAIN(TEST_OF(readings, cost_of_a_page))
