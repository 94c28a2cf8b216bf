/*
 * The steps of scenarios: each is a line or two over the model and the world.
 */
#include "test/lib/world_steps.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "test/lib/test.h"

#define NS "default"
#define NAME "hello-00001"
#define SETTLE_MS 60000
#define LATE_MS 600000

#define ACT(name) void name(struct play *play, const char *text UNUSED, int64_t number UNUSED)
#define MODEL world_model(play->world)

/* ---- what happens ---- */

ACT(starts)
{
	world_start(play->world);
	world_run(play->world, 1000);
}

ACT(stops)
{
	world_kill(play->world);
}

ACT(restarts)
{
	world_kill(play->world);
	world_start(play->world);
	world_run(play->world, 1000);
}

ACT(relists)
{
	controller_relist(world_controller(play->world));
	world_run(play->world, 1000);
}

ACT(passes)
{
	world_run(play->world, number);
}

ACT(settles)
{
	bool settled = world_settle(play->world, SETTLE_MS);
	if (play->strict)
		EXPECT(settled);
}

ACT(revision_made)
{
	model_revision(MODEL, NS, NAME, text);
}

ACT(revisions_made)
{
	for (int64_t i = 1; i <= number; i++) {
		char name[32];
		snprintf(name, sizeof(name), "many%lld-00001", (long long)i);
		model_revision(MODEL, NS, name, text);
	}
}

ACT(annotated)
{
	model_annotate(MODEL, NS, NAME, text);
}

ACT(routed)
{
	model_route(MODEL, NS, NAME, text);
}

ACT(value_set)
{
	model_set_metric(MODEL, NS, (double)number);
}

ACT(usage_set)
{
	model_set_usage(MODEL, NS, (double)number);
}

ACT(value_lost)
{
	model_set_metric(MODEL, NS, NAN);
}

ACT(keda_is_installed)
{
	model_keda_installed(MODEL, number != 0);
}

ACT(keda_runs)
{
	model_keda_running(MODEL, number != 0);
}

ACT(knative_runs)
{
	model_knative_running(MODEL, number != 0);
}

ACT(hpas_run)
{
	model_hpa_running(MODEL, number != 0);
}

ACT(keda_refuses)
{
	model_keda_refuses(MODEL, (int)number, text);
}

ACT(keda_fails)
{
	model_keda_fails(MODEL, text);
}

ACT(status_refused)
{
	model_refuse(MODEL, "podautoscalers/status", (int)number, text);
}

ACT(pods_start_in)
{
	model_pods_start_after(MODEL, number);
}

ACT(applied)
{
	model_apply(MODEL, text);
}

ACT(deleted)
{
	model_delete(MODEL, text, NS, NAME);
}

ACT(cut_off)
{
	wire_down(world_wire(play->world), number != 0);
}

ACT(history_compacted)
{
	model_compact(MODEL);
}

/* Under faults the object may not be there yet. */
static void patch_once_there(struct play *play, const char *plural, const char *patch)
{
	for (int64_t ms = 0; !model_get(MODEL, plural, NS, NAME) && ms < LATE_MS; ms += 1000) {
		if (play->strict)
			EXPECT(!"there");
		world_run(play->world, 1000);
	}
	model_patch(MODEL, plural, NS, NAME, false, patch);
}

ACT(so_patched)
{
	patch_once_there(play, "scaledobjects", text);
}

ACT(sks_patched)
{
	patch_once_there(play, "serverlessservices", text);
}

ACT(pa_patched)
{
	patch_once_there(play, "podautoscalers", text);
}

/* ---- what is expected ---- */

/* Each "*" stands for any run of characters. */
static bool matches(const char *pattern, const char *text)
{
	const char *star = strchr(pattern, '*');
	size_t head = star ? (size_t)(star - pattern) : strlen(pattern);
	if (strncmp(pattern, text, head) != 0)
		return false;
	if (!star)
		return !text[head];
	for (const char *at = text + head;; at++) {
		if (matches(star + 1, at))
			return true;
		if (!*at)
			return false;
	}
}

static void expect_match(const struct play *play, const char *got, const char *want,
			 const char *what)
{
	if (!play->strict)
		return;
	if (matches(want, got))
		test_expect(true, __FILE__, __LINE__, what);
	else
		test_expect_text(got, want, __FILE__, __LINE__, what);
}

ACT(trace_is)
{
	expect_match(play, world_trace(play->world), text, "writes");
	world_trace_clear(play->world);
}

ACT(writes_are)
{
	if (play->strict)
		EXPECT_INT(world_writes(play->world), number);
	world_trace_clear(play->world);
}

ACT(is_quiet_for)
{
	world_trace_clear(play->world);
	world_run(play->world, number);
	if (!play->strict)
		return;
	EXPECT_TEXT(world_trace(play->world), "");
	EXPECT_INT(world_writes(play->world), 0);
}

static void condition_is(const struct play *play, const char *plural, const char *type,
			 const char *want)
{
	expect_match(play, model_condition(MODEL, plural, NS, NAME, type), want, type);
}

ACT(active_is)
{
	condition_is(play, "podautoscalers", "Active", text);
}

ACT(ready_is)
{
	condition_is(play, "podautoscalers", "Ready", text);
}

ACT(sks_ready_is)
{
	condition_is(play, "podautoscalers", "SKSReady", text);
}

ACT(init_is)
{
	condition_is(play, "podautoscalers", "ScaleTargetInitialized", text);
}

ACT(revision_is)
{
	condition_is(play, "revisions", "Ready", text);
}

ACT(events_are)
{
	expect_match(play, model_events(MODEL, "PodAutoscaler", NS, NAME), text, "events");
}

ACT(revision_events_are)
{
	expect_match(play, model_events(MODEL, "Revision", NS, NAME), text, "events of Revision");
}

ACT(service_events_are)
{
	expect_match(play, model_events(MODEL, "Service", NS, "hello"), text, "events of Service");
}

/* The value at a dotted path; elements of a list by their number; a segment that holds dots itself
 * is written in "". */
static const struct json *value_at(const struct json *v, const char *path)
{
	while (v && *path) {
		char segment[256];
		bool quoted = *path == '"';
		const char *end = quoted ? strchr(++path, '"') : path + strcspn(path, ".");
		CHECK(end);
		snprintf(segment, sizeof(segment), "%.*s", (int)(end - path), path);
		v = json_is(v, JSON_ARRAY) ? json_at(v, strtoul(segment, NULL, 10))
					   : json_get(v, segment);
		path = end + quoted;
		path += *path == '.';
	}
	return v;
}

static void field_is(const struct play *play, const char *plural, const char *name,
		     const char *text)
{
	CLEANUP(strbuf_release) struct strbuf path = STRBUF_INIT;
	CLEANUP(strbuf_release) struct strbuf got = STRBUF_INIT;
	if (!play->strict)
		return;
	const char *equals = strchr(text, '=');
	CHECK(equals);
	strbuf_add(&path, text, (size_t)(equals - text));
	const struct json *object = model_get(MODEL, plural, NS, name);
	test_expect(object != NULL, __FILE__, __LINE__, plural);
	const struct json *v = value_at(object, path.buf);
	if (v)
		json_write(v, &got);
	expect_match(play, got.buf, equals + 1, path.buf);
}

ACT(so_is)
{
	field_is(play, "scaledobjects", NAME, text);
}

ACT(sks_is)
{
	field_is(play, "serverlessservices", NAME, text);
}

ACT(hpa_is)
{
	field_is(play, "horizontalpodautoscalers", NAME, text);
}

ACT(pa_is)
{
	field_is(play, "podautoscalers", NAME, text);
}

ACT(deployment_is)
{
	field_is(play, "deployments", NAME "-deployment", text);
}

ACT(count_is)
{
	if (play->strict)
		EXPECT_INT(model_count(MODEL, text), number);
}

void scenario_play(const struct scenario *scenario, struct world *world, bool strict)
{
	struct play play = {world, strict};
	for (size_t i = 0; scenario->steps[i].act; i++) {
		if (strict)
			test_row("%s step %zu", scenario->name, i + 1);
		scenario->steps[i].act(&play, scenario->steps[i].text, scenario->steps[i].number);
	}
	if (strict) {
		EXPECT_TEXT(world_breach(world), "");
		test_row("%s", "");
	}
}
