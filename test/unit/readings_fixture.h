/* Readings of one revision, page by page. */
#ifndef TEST_UNIT_READINGS_FIXTURE_H
#define TEST_UNIT_READINGS_FIXTURE_H

#include <math.h>

#include "reconciler/http/readings.h"
#include "test/lib/test.h"

/* To three decimals. */
#define EXPECT_NEAR(got, want) EXPECT_INT(llround((got)*1000), llround((want)*1000.0))

/* One revision, "ns/rev", in pages that take no time. */
struct page {
	const char *activator;
	int64_t at_ms;
	double queued, active, completed; /* below 0: not in the page */
};

static inline void told(struct readings *r, const struct page *page, enum reading_kind kind,
			double value)
{
	if (value >= 0)
		readings_sample(r, page->activator, "ns", "rev", kind, value);
}

static inline void give(struct readings *r, enum readings_page kind, struct page page)
{
	readings_begin(r, page.activator, kind, page.at_ms);
	told(r, &page, READING_QUEUED, page.queued);
	told(r, &page, READING_ACTIVE, page.active);
	told(r, &page, READING_COMPLETED, page.completed);
	readings_end(r, page.activator, page.at_ms);
}

#define PAGE(r, ...) give((r), READINGS_ALL, (struct page){__VA_ARGS__})
#define GAUGES(r, ...) give((r), READINGS_GAUGES, (struct page){__VA_ARGS__, -1})

static inline struct reading ask(const struct readings *r, int64_t now_ms)
{
	struct reading reading;
	readings_of(r, "ns", "rev", now_ms, &reading);
	return reading;
}

static inline struct readings *watching(void)
{
	struct readings *r = readings_new();
	readings_watch(r, "ns", "rev");
	return r;
}

#endif
