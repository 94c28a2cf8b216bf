/*
 * Replicas: life and time. One clock for all; each has its own timers, which do not run while it is
 * frozen. The audit looks at the model's Leases, which no replica sees without delay.
 */
#include "test/lib/world_replicas.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/knative/buckets.h"
#include "test/lib/fake_clock.h"
#include "test/lib/model_internal.h"
#include "test/lib/world_line.h"

#define STOP_MS 4500
#define MAX_ROUNDS_PER_MOMENT 100000
#define LEASE_PREFIX                                                                               \
	"hpaautoscaler.knative.dev.autoscaler-keda.pkg.reconciler.autoscaling.hpa.reconciler."

struct replica_clock {
	struct clock clock; /* first */
	const struct fake_clock *base;
	int64_t skew_ms;
};

struct replica {
	struct replicas *replicas;
	size_t index;
	struct replica_clock clock;
	struct wire *wire; /* stays: requests that are on their way outlive their process */
	unsigned lives;
	char identity[32];
	/* NULL unless it runs: */
	struct timers *timers;
	struct line *line;
	struct kube_client *client;
	struct controller *controller;
	bool frozen, cut, stopped;
	int64_t stop_until_ms; /* 0: not stopping */
	size_t writes;
};

struct replicas {
	struct world *world;
	unsigned buckets;
	char leases[BUCKETS_MAX][128];
	struct replica all[REPLICAS_MAX];
	struct strbuf breach, creates;
};

/* ---- the audit ---- */

static const char *holder_of(struct replicas *replicas, size_t bucket)
{
	const struct json *lease = model_get(world_model(replicas->world), "leases",
					     REPLICAS_SYSTEM_NAMESPACE, replicas->leases[bucket]);

	return json_text_or(json_path(lease, "spec", "holderIdentity", NULL), "");
}

static size_t bucket_of_key(const struct replicas *replicas, const char *key)
{
	const char *names[BUCKETS_MAX];

	for (size_t i = 0; i < replicas->buckets; i++)
		names[i] = replicas->leases[i];
	return bucket_of(names, replicas->buckets, key);
}

/* "podautoscalers/status default/hello-00001" -> the key. An Event's name does not tell it. */
static const char *key_of(const struct replicas *replicas, const struct strbuf *what)
{
	const char *blank = strchr(what->buf, ' ');

	if (strncmp(what->buf, "leases", 6) == 0 || !blank)
		return NULL;
	if (strncmp(what->buf, "events", 6) == 0)
		return replicas->buckets == 1 ? "default/any" : NULL;
	return blank + 1;
}

static void audit(struct replica *replica, const char *method, const struct strbuf *what,
		  const char *when)
{
	struct replicas *replicas = replica->replicas;
	const char *key = key_of(replicas, what);
	const char *holder;

	if (!key || replicas->breach.len > 0)
		return;
	holder = holder_of(replicas, bucket_of_key(replicas, key));
	if (holder[0] && strcmp(holder, replica->identity) != 0)
		strbuf_addf(&replicas->breach, "%s %s %s %s, but %s leads", replica->identity,
			    method, what->buf, when, holder);
}

static void leaves(void *ctx, const struct http_request *request)
{
	struct replica *replica = ctx;
	CLEANUP(strbuf_release) struct strbuf what = STRBUF_INIT;
	struct model_request asked = {.method = request->method,
				      .path = request->path,
				      .content_type = request->content_type,
				      .body = request->body,
				      .length = request->body_length};

	if (strcmp(request->method, "GET") == 0)
		return;
	model_describe(world_model(replica->replicas->world), &asked, &what);
	audit(replica, request->method, &what, "left");
}

static void wrote(void *ctx, const struct model_request *request, int status)
{
	struct replica *replica = ctx;
	struct replicas *replicas = replica->replicas;
	CLEANUP(strbuf_release) struct strbuf what = STRBUF_INIT;

	model_describe(world_model(replicas->world), request, &what);
	if (status >= 200 && status < 300)
		audit(replica, request->method, &what, "was accepted");
	if (strncmp(what.buf, "leases", 6) == 0)
		return;
	replica->writes++;
	if (strcmp(request->method, "POST") == 0 && strncmp(what.buf, "events", 6) != 0)
		strbuf_addf(&replicas->creates, "%s %d\n", what.buf, status);
}

const char *replicas_breach(const struct replicas *replicas)
{
	return replicas->breach.buf;
}

const char *replicas_creates(const struct replicas *replicas)
{
	return replicas->creates.buf;
}

const char *replicas_lease(const struct replicas *replicas, unsigned bucket)
{
	return replicas->leases[bucket];
}

size_t replica_writes(const struct replicas *replicas, size_t index)
{
	return replicas->all[index].writes;
}

void replicas_writes_clear(struct replicas *replicas)
{
	for (size_t i = 0; i < REPLICAS_MAX; i++)
		replicas->all[i].writes = 0;
	strbuf_reset(&replicas->creates);
}

/* ---- life ---- */

static void model_changed(void *ctx)
{
	struct replicas *replicas = ctx;

	wire_model_changed(world_wire(replicas->world));
	for (size_t i = 0; i < REPLICAS_MAX; i++)
		if (replicas->all[i].wire)
			wire_model_changed(replicas->all[i].wire);
}

static int64_t replica_mono(const struct clock *clock)
{
	return ((const struct replica_clock *)clock)->base->mono;
}

static int64_t replica_wall(const struct clock *clock)
{
	const struct replica_clock *own = (const struct replica_clock *)clock;

	return own->base->wall + own->skew_ms;
}

static void failed(void *ctx UNUSED, const char *why)
{
	fprintf(stderr, "%s\n", why);
	CHECK(!"the configuration of leader election is wrong");
}

void replica_start(struct replicas *replicas, size_t index, int64_t skew_ms)
{
	struct replica *replica = &replicas->all[index];

	CHECK(!replica->controller);
	replica->clock = (struct replica_clock){
	    .clock = {.mono_ms = replica_mono, .wall_ms = replica_wall},
	    .base = world_clock(replicas->world),
	    .skew_ms = skew_ms,
	};
	snprintf(replica->identity, sizeof(replica->identity), "replica-%zu_%u", index,
		 ++replica->lives);
	replica->frozen = replica->cut = replica->stopped = false;
	replica->stop_until_ms = 0;
	replica->timers = timers_new(&replica->clock.clock);
	replica->line = line_new(replica->timers, wire_transport(replica->wire), leaves, replica);
	replica->client = kube_client_new(&(struct kube_client_config){
	    .transport = line_transport(replica->line),
	    .timers = replica->timers,
	    .field_manager = "autoscaler-keda-hpa",
	});
	replica->controller = controller_new(&(struct controller_config){
	    .client = replica->client,
	    .system_namespace = REPLICAS_SYSTEM_NAMESPACE,
	    .pod = replica->identity,
	    .identity = replica->identity,
	    .failed = failed,
	});
}

bool replica_runs(const struct replicas *replicas, size_t index)
{
	return replicas->all[index].controller;
}

void replica_kill(struct replicas *replicas, size_t index)
{
	struct replica *replica = &replicas->all[index];

	if (!replica->controller)
		return;
	controller_free(replica->controller);
	kube_client_free(replica->client);
	line_free(replica->line);
	timers_free(replica->timers);
	replica->controller = NULL;
	replica->client = NULL;
	replica->line = NULL;
	replica->timers = NULL;
}

static void stopped(void *ctx)
{
	((struct replica *)ctx)->stopped = true;
}

void replica_stop(struct replicas *replicas, size_t index)
{
	struct replica *replica = &replicas->all[index];

	replica->stop_until_ms = world_clock(replicas->world)->mono + STOP_MS;
	controller_stop(replica->controller, stopped, replica);
}

static void crashed(void *ctx)
{
	struct replica *replica = ctx;

	replica_kill(replica->replicas, replica->index);
	replica_start(replica->replicas, replica->index, replica->clock.skew_ms);
}

static void make_wire(struct replica *replica, const struct fault *fault)
{
	struct world *world = replica->replicas->world;

	replica->wire = wire_new(world_timers(world), world_model(world), fault, fault ? 1 : 0, 0,
				 crashed, replica);
	wire_on_write(replica->wire, wrote, replica);
	model_on_change(world_model(world), model_changed, replica->replicas);
}

void replica_faulty(struct replicas *replicas, size_t index, const struct fault *fault)
{
	struct replica *replica = &replicas->all[index];

	CHECK(replica->lives == 0);
	wire_free(replica->wire);
	make_wire(replica, fault);
}

bool replica_fault_fired(const struct replicas *replicas, size_t index)
{
	return wire_faults_fired(replicas->all[index].wire) > 0;
}

void replica_freeze(struct replicas *replicas, size_t index)
{
	replicas->all[index].frozen = true;
}

void replica_thaw(struct replicas *replicas, size_t index)
{
	replicas->all[index].frozen = false;
}

void replica_cut(struct replicas *replicas, size_t index, bool cut)
{
	replicas->all[index].cut = cut;
	line_cut(replicas->all[index].line, cut);
}

struct controller *replica_controller(struct replicas *replicas, size_t index)
{
	return replicas->all[index].controller;
}

int replicas_leader(struct replicas *replicas, const char *key)
{
	int leader = -1;

	for (size_t i = 0; i < REPLICAS_MAX; i++) {
		const struct replica *replica = &replicas->all[i];

		if (!replica->controller || replica->frozen ||
		    !controller_leads(replica->controller, key))
			continue;
		leader = leader == -1 ? (int)i : -2;
	}
	return leader;
}

/* ---- time ---- */

static void sooner(int64_t *next, int64_t candidate)
{
	if (candidate >= 0 && (*next < 0 || candidate < *next))
		*next = candidate;
}

static int64_t next_ms(const struct replicas *replicas)
{
	int64_t next = timers_next_ms(world_timers(replicas->world));

	for (size_t i = 0; i < REPLICAS_MAX; i++) {
		const struct replica *replica = &replicas->all[i];

		if (replica->timers && !replica->frozen)
			sooner(&next, timers_next_ms(replica->timers));
	}
	return next;
}

static void run_one(struct replica *replica)
{
	if (!replica->timers || replica->frozen)
		return;
	timers_run(replica->timers);
	if (replica->stopped ||
	    (replica->stop_until_ms && replica->clock.base->mono >= replica->stop_until_ms))
		replica_kill(replica->replicas, replica->index);
}

void replicas_run(struct replicas *replicas, int64_t ms)
{
	struct fake_clock *clock = world_clock(replicas->world);
	int64_t end = clock->mono + ms;
	unsigned rounds = 0;

	for (;;) {
		int64_t next = next_ms(replicas);

		if (next < 0 || clock->mono + next > end)
			break;
		rounds = next > 0 ? 0 : rounds + 1;
		CHECK(rounds < MAX_ROUNDS_PER_MOMENT);
		fake_clock_advance(clock, next);
		timers_run(world_timers(replicas->world));
		for (size_t i = 0; i < REPLICAS_MAX; i++)
			run_one(&replicas->all[i]);
	}
	if (clock->mono < end)
		fake_clock_advance(clock, end - clock->mono);
}

bool replicas_quiet(const struct replicas *replicas)
{
	for (size_t i = 0; i < REPLICAS_MAX; i++) {
		const struct replica *replica = &replicas->all[i];

		if (!replica->controller || replica->frozen || replica->cut)
			continue;
		if (!wire_quiet(replica->wire) || !line_quiet(replica->line) ||
		    !controller_idle(replica->controller))
			return false;
	}
	return true;
}

/* ---- all of them ---- */

static void apply_config(struct replicas *replicas)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;

	strbuf_addf(&text,
		    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: config-leader-election\n"
		    "  namespace: " REPLICAS_SYSTEM_NAMESPACE "\ndata:\n  buckets: \"%u\"\n",
		    replicas->buckets);
	model_apply(world_model(replicas->world), text.buf);
	for (unsigned i = 0; i < replicas->buckets; i++)
		snprintf(replicas->leases[i], sizeof(replicas->leases[i]),
			 LEASE_PREFIX "%02u-of-%02u", i, replicas->buckets);
}

struct replicas *world_replicas_new(struct world *world, unsigned buckets)
{
	struct replicas *replicas = xcalloc(1, sizeof(*replicas));

	CHECK(buckets >= 1 && buckets <= BUCKETS_MAX);
	replicas->world = world;
	replicas->buckets = buckets;
	replicas->breach = (struct strbuf)STRBUF_INIT;
	replicas->creates = (struct strbuf)STRBUF_INIT;
	for (size_t i = 0; i < REPLICAS_MAX; i++) {
		struct replica *replica = &replicas->all[i];

		replica->replicas = replicas;
		replica->index = i;
		make_wire(replica, NULL);
	}
	apply_config(replicas);
	world_add_replicas(world, replicas);
	return replicas;
}

void replicas_free(struct replicas *replicas)
{
	if (!replicas)
		return;
	for (size_t i = 0; i < REPLICAS_MAX; i++) {
		replica_kill(replicas, i);
		wire_free(replicas->all[i].wire);
	}
	strbuf_release(&replicas->breach);
	strbuf_release(&replicas->creates);
	free(replicas);
}
