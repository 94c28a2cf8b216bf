/*
 * The campaign. At most one request is under way; an attempt is a few of them in a row (claim,
 * read, claim), then comes a pause. Invariant: leads is set only while record names us, and every
 * claim is tied to the version of record.
 */
#include "pkg/kube/elector.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/hash.h"
#include "pkg/base/log.h"

/* In a row: one that finds its claim refused reads and claims again, once. */
#define MAX_REQUESTS 4
/* A lease that somebody changes all the time must not make us ask all the time. */
#define HASTE_MS 250

enum request { REQUEST_READ, REQUEST_CLAIM, REQUEST_RELEASE };

struct elector {
	struct kube_client *client;
	struct timers *timers;
	const struct kube_resource *resource;
	char *ns, *name, *identity;
	int64_t lease_ms, renew_ms, retry_ms;
	void (*changed)(void *ctx, struct elector *elector, bool leads);
	void *ctx;

	struct lease *record; /* the newest that we know; NULL: none was ever seen */
	bool absent;          /* there is no Lease (any more) */
	bool doubt;           /* what is there must be read first */
	bool refused;         /* our claim was: what is read next counts, be it older */
	int64_t observed_ms;  /* monotonic; when record was seen to change */

	bool leads;
	int64_t until_ms; /* monotonic; we lead no longer than that */
	struct timer deadline;

	struct kube_call *call; /* NULL: none under way */
	enum request request;
	int64_t sent_ms, attempted_ms; /* monotonic */
	unsigned requests;             /* of the attempt at hand */
	uint64_t attempts;
	int64_t hold_ms; /* what a Retry-After asked for */
	enum error_kind told;
	struct timer next;

	bool resigning;
	void (*resigned)(void *ctx);
	void *resigned_ctx;
};

static void step(struct elector *elector);

static int64_t now_ms(const struct elector *elector)
{
	return timers_now(elector->timers);
}

const char *elector_name(const struct elector *elector)
{
	return elector->name;
}

bool elector_leads(const struct elector *elector)
{
	return elector->leads && now_ms(elector) < elector->until_ms;
}

/* ---- gaining and losing ---- */

static void lose(struct elector *elector, const char *why)
{
	if (!elector->leads)
		return;
	elector->leads = false;
	timer_disarm(elector->timers, &elector->deadline);
	LOG_AT(elector->resigning ? LOG_INFO : LOG_WARN, "leads no longer",
	       F_STR("lease", elector->name), F_STR("reason", why),
	       F_STR("holder", elector->record->holder));
	elector->changed(elector->ctx, elector, false);
}

static void deadline_passed(void *ctx)
{
	lose(ctx, "the renew deadline passed");
}

static void lead_until(struct elector *elector, int64_t until_ms)
{
	bool gained = !elector->leads;

	elector->leads = true;
	elector->until_ms = until_ms;
	timer_arm(elector->timers, &elector->deadline, until_ms - now_ms(elector));
	if (!gained)
		return;
	log_info("leads", F_STR("lease", elector->name), F_STR("identity", elector->identity));
	elector->changed(elector->ctx, elector, true);
}

/* ---- what is known ---- */

static bool is_ours(const struct elector *elector)
{
	return elector->record && !elector->absent &&
	       strcmp(elector->record->holder, elector->identity) == 0;
}

static int64_t held_until(const struct elector *elector)
{
	const struct lease *record = elector->record;

	if (!record || !record->holder[0] || strcmp(record->holder, elector->identity) == 0)
		return 0;
	return elector->observed_ms + record->duration_ms;
}

static bool is_free(const struct elector *elector)
{
	return now_ms(elector) >= held_until(elector);
}

static void observe(struct elector *elector, struct lease *lease)
{
	struct lease *old = elector->record;
	bool same_holder = old && strcmp(old->holder, lease->holder) == 0;

	if (!same_holder || strcmp(old->renewed, lease->renewed) != 0)
		elector->observed_ms = now_ms(elector);
	elector->record = (struct lease *)object_ref(&lease->object);
	elector->absent = elector->doubt = false;
	if (!is_ours(elector))
		lose(elector, lease->holder[0] ? "another holds the lease" : "nobody holds it");
	if (!same_holder && !is_ours(elector) && lease->holder[0])
		log_info("another leads", F_STR("lease", elector->name),
			 F_STR("holder", lease->holder));
	if (old)
		object_unref(&old->object);
}

static void observe_absence(struct elector *elector)
{
	elector->absent = true;
	elector->doubt = false;
	lose(elector, "the lease was deleted");
}

/* ---- requests ---- */

static const struct json *claim_body(const struct elector *elector, enum request kind,
				     struct arena *arena)
{
	const struct lease *record = elector->record;
	bool ours = is_ours(elector);
	struct lease_claim claim = {
	    .holder = kind == REQUEST_RELEASE ? "" : elector->identity,
	    .seconds = kind == REQUEST_RELEASE ? 1 : elector->lease_ms / 1000,
	    .now_ms = kube_client_now_ms(elector->client),
	    .acquired =
		ours && kind == REQUEST_CLAIM && record->acquired[0] ? record->acquired : NULL,
	    .transitions = record ? record->transitions + !ours : 0,
	};
	struct json *body = json_object(arena);
	struct json *metadata = json_ensure_object(arena, body, "metadata");

	json_set(arena, body, "spec", lease_spec(arena, &claim));
	if (!elector->absent) {
		json_set(
		    arena, metadata, "resourceVersion",
		    json_stringf(arena, "%llu", (unsigned long long)record->object.meta.version));
		return body;
	}
	json_set_text(arena, body, "apiVersion", "coordination.k8s.io/v1");
	json_set_text(arena, body, "kind", elector->resource->kind);
	json_set_text(arena, metadata, "namespace", elector->ns);
	json_set_text(arena, metadata, "name", elector->name);
	return body;
}

static void answered(void *ctx, const struct json *object, const struct error *err);

static void send(struct elector *elector, enum request kind)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct kube_request request = {
	    .verb = KUBE_GET,
	    .resource = elector->resource,
	    .ns = elector->ns,
	    .name = elector->name,
	    .urgent = true,
	    .timeout_ms = elector->renew_ms / 4,
	};

	if (kind != REQUEST_READ) {
		request.verb = elector->absent ? KUBE_CREATE : KUBE_PATCH;
		request.body = claim_body(elector, kind, arena);
	}
	elector->request = kind;
	elector->sent_ms = now_ms(elector);
	elector->call = kube_client_send(elector->client, &request, answered, elector);
}

/* ---- attempts ---- */

/* 0 to most_ms; two candidates differ, and so do one's attempts. */
static int64_t jitter_ms(const struct elector *elector, int64_t most_ms)
{
	uint64_t hash = hash_text(HASH_SEED, elector->identity);

	hash = hash_bytes(hash, &elector->attempts, sizeof(elector->attempts));
	return (int64_t)((hash >> 16) % 1001) * most_ms / 1000;
}

/* client-go's JitterFactor 1.2 for those who wait; a lease that runs out meanwhile is tried then,
 * not by all at the same moment. */
static int64_t pause_ms(const struct elector *elector)
{
	int64_t pause = elector->retry_ms;
	int64_t left = held_until(elector) - now_ms(elector);

	if (!is_ours(elector))
		pause += jitter_ms(elector, elector->retry_ms * 6 / 5);
	if (left > 0 && left < pause)
		pause = left + jitter_ms(elector, elector->retry_ms / 5);
	return pause > elector->hold_ms ? pause : elector->hold_ms;
}

static void pause_now(struct elector *elector)
{
	if (!elector->resigning)
		timer_arm(elector->timers, &elector->next, pause_ms(elector));
}

static void hurry(struct elector *elector)
{
	int64_t wait = elector->attempted_ms + HASTE_MS - now_ms(elector);

	if (!elector->call && !elector->resigning)
		timer_arm(elector->timers, &elector->next, wait);
}

static void finish_resigning(struct elector *elector)
{
	if (elector->resigned)
		elector->resigned(elector->resigned_ctx);
}

static void resign_step(struct elector *elector)
{
	if (elector->requests++ >= MAX_REQUESTS)
		finish_resigning(elector);
	else if (elector->doubt)
		send(elector, REQUEST_READ);
	else if (is_ours(elector))
		send(elector, REQUEST_RELEASE);
	else
		finish_resigning(elector);
}

static void step(struct elector *elector)
{
	if (elector->resigning)
		resign_step(elector);
	else if (elector->requests++ >= MAX_REQUESTS)
		pause_now(elector);
	else if (elector->doubt)
		send(elector, REQUEST_READ);
	else if (is_free(elector))
		send(elector, REQUEST_CLAIM);
	else
		pause_now(elector);
}

static void attempt(void *ctx)
{
	struct elector *elector = ctx;

	elector->attempts++;
	elector->attempted_ms = now_ms(elector);
	elector->requests = 0;
	elector->hold_ms = 0;
	/* A watch may be late: whether the holder renews is seen by reading, too. */
	if (!is_free(elector))
		elector->doubt = true;
	step(elector);
}

/* ---- answers ---- */

static bool take_lease(struct elector *elector, const struct json *object)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct object *lease = lease_decode(object, &err);

	if (!lease) {
		log_error("a lease can't be read", F_STR("lease", elector->name),
			  F_STR("error", error_text(&err)));
		return false;
	}
	/* The watch may have been faster than the answer to a read. */
	if (!elector->record || elector->refused ||
	    lease->meta.version >= elector->record->object.meta.version)
		observe(elector, (struct lease *)lease);
	elector->doubt = elector->refused = false;
	object_unref(lease);
	return true;
}

/* A reply that was lost, or somebody who was faster: reading tells at once. All else may be the
 * same in a moment. */
static bool worth_reading(const struct elector *elector, const struct error *err)
{
	if (elector->request == REQUEST_READ)
		return false;
	return err->kind == ERROR_CONFLICT || err->kind == ERROR_ALREADY_EXISTS ||
	       err->kind == ERROR_NOT_FOUND || (err->kind == ERROR_TRANSIENT && err->status == 0);
}

static void tell_failure(struct elector *elector, const struct error *err)
{
	static const char *const names[] = {"read", "claim", "release"};
	enum log_level level = LOG_WARN;

	/* That somebody else was faster is no trouble. */
	if (err->kind == ERROR_CONFLICT || err->kind == ERROR_ALREADY_EXISTS)
		level = LOG_INFO;
	if (elector->told == err->kind && !elector->leads)
		level = LOG_DEBUG;
	elector->told = err->kind;
	LOG_AT(level, "lease request failed", F_STR("lease", elector->name),
	       F_STR("request", names[elector->request]), F_STR("error", error_text(err)));
}

static void failed(struct elector *elector, const struct error *err)
{
	bool read = worth_reading(elector, err);

	elector->doubt = true;
	elector->refused = elector->request != REQUEST_READ && err->kind == ERROR_CONFLICT;
	elector->hold_ms = err->retry_after_ms;
	if (elector->request == REQUEST_READ && err->kind == ERROR_NOT_FOUND) {
		observe_absence(elector);
		step(elector);
		return;
	}
	tell_failure(elector, err);
	if (read)
		step(elector);
	else if (elector->resigning)
		finish_resigning(elector);
	else
		pause_now(elector);
}

/* What was sent too long ago is worth nothing: we may have been stopped since. */
static void claimed(struct elector *elector)
{
	int64_t until_ms = elector->sent_ms + elector->renew_ms;

	elector->told = ERROR_NONE;
	if (elector->resigning || !is_ours(elector) || until_ms <= now_ms(elector)) {
		elector->doubt = !elector->resigning;
		step(elector);
		return;
	}
	lead_until(elector, until_ms);
	pause_now(elector);
}

static void answered(void *ctx, const struct json *object, const struct error *err)
{
	struct elector *elector = ctx;

	elector->call = NULL;
	if (err->kind != ERROR_NONE) {
		failed(elector, err);
		return;
	}
	if (!take_lease(elector, object)) {
		elector->doubt = true;
		pause_now(elector);
		if (elector->resigning)
			finish_resigning(elector);
		return;
	}
	if (elector->request == REQUEST_CLAIM)
		claimed(elector);
	else
		step(elector);
}

/* ---- the watch ---- */

void elector_saw(struct elector *elector, const struct lease *lease)
{
	if (elector->record && lease->object.meta.version <= elector->record->object.meta.version)
		return;
	observe(elector, (struct lease *)lease);
	if (is_free(elector) && !is_ours(elector))
		hurry(elector);
}

void elector_saw_deletion(struct elector *elector, const struct lease *last)
{
	if (elector->record && last->object.meta.version < elector->record->object.meta.version)
		return;
	observe_absence(elector);
	if (is_free(elector))
		hurry(elector);
}

/* ---- life ---- */

struct elector *elector_new(const struct elector_config *config)
{
	struct elector *elector = xcalloc(1, sizeof(*elector));

	CHECK(config->lease_ms >= 1000 && config->lease_ms > config->renew_ms &&
	      config->renew_ms > config->retry_ms && config->retry_ms > 0);
	elector->client = config->client;
	elector->timers = kube_client_timers(config->client);
	elector->resource = config->resource;
	elector->ns = xstrdup(config->ns);
	elector->name = xstrdup(config->name);
	elector->identity = xstrdup(config->identity);
	elector->lease_ms = config->lease_ms;
	elector->renew_ms = config->renew_ms;
	elector->retry_ms = config->retry_ms;
	elector->changed = config->changed;
	elector->ctx = config->ctx;
	elector->doubt = true;
	timer_init(&elector->deadline, deadline_passed, elector);
	timer_init(&elector->next, attempt, elector);
	timer_arm(elector->timers, &elector->next, 0);
	return elector;
}

void elector_free(struct elector *elector)
{
	if (!elector)
		return;
	if (elector->call)
		kube_client_cancel(elector->client, elector->call);
	timer_disarm(elector->timers, &elector->deadline);
	timer_disarm(elector->timers, &elector->next);
	if (elector->record)
		object_unref(&elector->record->object);
	free(elector->ns);
	free(elector->name);
	free(elector->identity);
	free(elector);
}

static void begin_resigning(void *ctx)
{
	resign_step(ctx);
}

void elector_resign(struct elector *elector, void (*done)(void *ctx), void *ctx)
{
	elector->resigning = true;
	elector->resigned = done;
	elector->resigned_ctx = ctx;
	elector->requests = 0;
	lose(elector, "it is given up");
	timer_disarm(elector->timers, &elector->next);
	if (elector->call)
		return;
	timer_init(&elector->next, begin_resigning, elector);
	timer_arm(elector->timers, &elector->next, 0);
}
