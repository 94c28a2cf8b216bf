/*
 * Close is: at most two letters inserted, left out, changed or swapped with their neighbour, and
 * less than a third of them. What is looked at is bounded, for every pass does it.
 */
#include "reconciler/hpa/unknown.h"

#include <string.h>

#include "pkg/base/distance.h"
#include "pkg/base/strbuf.h"
#include "reconciler/hpa/annotations.h"

#define LONGEST 48 /* of a bare name that is compared */
#define CLOSE 2
#define LOOKED_AT 16
#define SHOWN 4

/* What Knative's own autoscalers read (knative.dev/serving/pkg/apis/autoscaling, register.go). */
static const char *const knative_names[] = {
    "activation-scale",
    "activationScale",
    "class",
    "initial-scale",
    "initialScale",
    "max-scale",
    "maxScale",
    "metric",
    "metric-aggregation-algorithm",
    "metricAggregationAlgorithm",
    "min-scale",
    "minScale",
    "panic-threshold-percentage",
    "panicThresholdPercentage",
    "panic-window-percentage",
    "panicWindowPercentage",
    "scale-down-delay",
    "scaleDownDelay",
    "scale-to-zero-pod-retention-period",
    "scaleToZeroPodRetentionPeriod",
    "target",
    "target-burst-capacity",
    "targetBurstCapacity",
    "target-utilization-percentage",
    "targetUtilizationPercentage",
    "window",
};

struct search {
	const char *name; /* bare */
	const char *best; /* bare */
	size_t off;
	bool known;
};

static void compare(struct search *s, const char *known)
{
	size_t length = strlen(known), off;

	if (length > LONGEST)
		return;
	off = distance(s->name, known);
	s->known = s->known || off == 0;
	if (off <= CLOSE && 3 * off < length && off < s->off) {
		s->off = off;
		s->best = known;
	}
}

static const char *bare(const char *name)
{
	return name + strlen(ANNOTATION_PREFIX);
}

/* NULL: it is known, or like nothing that is. */
static const char *suggestion(const char *name)
{
	size_t count;
	const struct annotation_row *rows = annotation_rows(&count);
	struct search s = {.name = name, .off = CLOSE + 1};

	for (size_t i = 0; i < count; i++) {
		compare(&s, bare(rows[i].name));
		for (const char *const *alias = rows[i].aliases; *alias; alias++)
			compare(&s, bare(*alias));
	}
	for (size_t i = 0; i < ARRAY_SIZE(knative_names); i++)
		compare(&s, knative_names[i]);
	return s.known ? NULL : s.best;
}

static bool of_the_group(const char *key)
{
	size_t length = strlen(ANNOTATION_PREFIX);

	return strncmp(key, ANNOTATION_PREFIX, length) == 0 &&
	       strnlen(key + length, LONGEST + 1) <= LONGEST;
}

static bool is_row(const char *key)
{
	size_t count;
	const struct annotation_row *rows = annotation_rows(&count);

	for (size_t i = 0; i < count; i++)
		if (strcmp(rows[i].name, key) == 0)
			return true;
	return false;
}

const char *unknown_annotations(const struct pod_autoscaler *pa, struct arena *arena)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	size_t looked_at = 0, shown = 0;

	for (size_t i = 0; i < pa->annotations.count && shown < SHOWN; i++) {
		const char *key = pa->annotations.items[i].key;
		if (!of_the_group(key) || is_row(key) || looked_at++ >= LOOKED_AT)
			continue;
		const char *name = suggestion(bare(key));
		if (!name)
			continue;
		strbuf_addf(&text, "%s%s is not known; did you mean " ANNOTATION_PREFIX "%s?",
			    shown++ ? " " : "", key, name);
	}
	return shown ? arena_strdup(arena, text.buf) : NULL;
}
