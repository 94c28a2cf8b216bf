/*
 * What one exposition costs with 10,000 revisions: bytes, processor time, memory afterwards.
 * Printed; bytes and memory are bounded so widely that only another order of growth fails.
 */
#include <time.h>
#include <unistd.h>

#include "pkg/base/heap.h"
#include "test/unit/shell_fixture.h"

/* They keep freed memory for a while. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED 0
#endif
#define REVISIONS 10000
#define REPEATS 5
#define MOST_BYTES (800 * REVISIONS) /* the documented 700 a revision, and some */
#define KEPT_KB 1024                 /* of the 7 MB each */

static void put_revision(struct fixture *f, int i)
{
	char name[64], ns[32], meta[512];

	snprintf(ns, sizeof(ns), "team-%03d", i % 100);
	snprintf(name, sizeof(name), "checkout-service-%05d-00001", i);
	snprintf(meta, sizeof(meta),
		 OURS ",'labels':{'serving.knative.dev/service':'checkout-service-%05d',"
		      "'serving.knative.dev/configuration':'checkout-service-%05d'}",
		 i, i);
	put(f, CACHE_PA, ns, name, meta,
	    TARGET("d") ",'status':{'serviceName':'s','metricsServiceName':'m','desiredScale':2,"
			"'actualScale':2,'conditions':[{'type':'Active','status':'True'},"
			"{'type':'Ready','status':'True'}]}");
	put(f, CACHE_SO, ns, name, "'uid':'so'", TARGET("d"));
}

static double cpu_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static long resident_kb(void)
{
	long size = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");
	CHECK(file && fscanf(file, "%ld %ld", &size, &resident) == 2);
	fclose(file);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Bytes of one exposition; *ms: the quickest one. */
static size_t scrape(struct fixture *f, double *ms)
{
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	double began = cpu_ms(), took;

	metrics_write(f->metrics, &out);
	took = cpu_ms() - began;
	if (*ms == 0 || took < *ms)
		*ms = took;
	return out.len;
}

TEST(scale, ten_thousand_revisions)
{
	struct fixture f;
	double with_ms = 0, without_ms = 0;
	size_t with = 0, without = 0;
	long held;

	heap_tune();
	setup(&f);
	for (int i = 0; i < REVISIONS; i++)
		put_revision(&f, i);
	scrape(&f, &with_ms);
	held = resident_kb() + KEPT_KB;
	with_ms = 0;
	for (int i = 0; i < REPEATS; i++)
		with = scrape(&f, &with_ms);
	EXPECT(SANITIZED || resident_kb() < held);
	put(&f, CACHE_CONFIG_KEDA, "system", "config-autoscaler-keda", "",
	    "'data':{'autoscaler.keda.metrics-per-revision':'false'}");
	for (int i = 0; i < REPEATS; i++)
		without = scrape(&f, &without_ms);
	printf("%d revisions: %.2f MB in %.1f ms of CPU, %zu bytes a revision; without them "
	       "%.1f KB in %.1f ms\n",
	       REVISIONS, (double)with / 1e6, with_ms, (with - without) / REVISIONS,
	       (double)without / 1e3, without_ms);
	EXPECT(with < MOST_BYTES);
	EXPECT(without < 64 * 1024);
	teardown(&f);
}

TEST_MAIN(TEST_OF(scale, ten_thousand_revisions))
