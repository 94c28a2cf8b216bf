/*
 * Which keys this replica may write: those of the buckets whose lease it holds. The ConfigMap of
 * leader election is read once, at the start; then one elector a bucket campaigns. Invariant:
 * gaining a bucket queues all its keys, losing it ends their passes and forgets what was remembered
 * of them, so that nothing is carried from one term to another.
 */
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/log.h"
#include "pkg/knative/config_leader_election.h"
#include "reconciler/controller/internal.h"

/* Component and queue of the Go autoscaler-keda: with the same leases the two exclude each other.
 */
#define LEASE_PREFIX                                                                               \
	"hpaautoscaler.knative.dev.autoscaler-keda.pkg.reconciler.autoscaling.hpa.Reconciler"
#define CONFIG_NAME "config-leader-election"
#define READ_AGAIN_MS 2000

static void read_config(void *ctx);

/* ---- whose key ---- */

size_t leadership_bucket(const struct controller *controller, const char *key)
{
	const struct leadership *leadership = &controller->leadership;

	return leadership->buckets > 0 ? bucket_of(leadership->names, leadership->buckets, key) : 0;
}

bool leadership_holds(const struct controller *controller, const char *key)
{
	const struct leadership *leadership = &controller->leadership;
	const struct elector *elector;

	if (!leadership->identity)
		return true;
	elector = leadership->electors[leadership_bucket(controller, key)];
	return elector && elector_leads(elector);
}

static size_t bucket_of_elector(const struct leadership *leadership, const struct elector *elector)
{
	size_t bucket = 0;

	while (leadership->electors[bucket] != elector)
		CHECK(++bucket < leadership->buckets);
	return bucket;
}

static void leads_changed(void *ctx, struct elector *elector, bool leads)
{
	struct controller *controller = ctx;
	size_t bucket = bucket_of_elector(&controller->leadership, elector);

	meters_leadership(controller, elector_name(elector), leads);
	if (leads)
		route_bucket(controller, bucket);
	else
		keys_give_up(controller, bucket);
}

/* ---- the campaign ---- */

static struct elector *new_elector(struct controller *controller, size_t bucket)
{
	const struct leadership *leadership = &controller->leadership;

	return elector_new(&(struct elector_config){
	    .client = controller->client,
	    .resource = &resource_leases,
	    .ns = controller->system_namespace,
	    .name = leadership->names[bucket],
	    .identity = leadership->identity,
	    .lease_ms = leadership->lease_ms,
	    .renew_ms = leadership->renew_ms,
	    .retry_ms = leadership->retry_ms,
	    .changed = leads_changed,
	    .ctx = controller,
	});
}

void leadership_campaign(struct controller *controller)
{
	struct leadership *leadership = &controller->leadership;

	if (!controller->ready || controller->stopping)
		return;
	for (size_t i = 0; i < leadership->buckets; i++) {
		if (!leadership->electors[i])
			leadership->electors[i] = new_elector(controller, i);
	}
}

void leadership_lease_changed(struct controller *controller, const struct object *before,
			      const struct object *after)
{
	struct leadership *leadership = &controller->leadership;
	const struct object *one = after ? after : before;

	for (size_t i = 0; i < leadership->buckets; i++) {
		if (!leadership->electors[i] || strcmp(leadership->names[i], one->meta.name) != 0)
			continue;
		if (after)
			elector_saw(leadership->electors[i], (const struct lease *)after);
		else
			elector_saw_deletion(leadership->electors[i], (const struct lease *)before);
	}
}

/* ---- the ConfigMap ---- */

static void take_config(struct controller *controller, const struct json *data)
{
	struct leadership *leadership = &controller->leadership;
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct config_leader_election config;

	if (!config_leader_election_parse(data, LEASE_PREFIX, leadership->names_arena, &config,
					  &err)) {
		error_wrap(&err, "ConfigMap %s", leadership->config_name);
		if (leadership->failed)
			leadership->failed(leadership->failed_ctx, error_text(&err));
		return;
	}
	leadership->lease_ms = config.lease_ms;
	leadership->renew_ms = config.renew_ms;
	leadership->retry_ms = config.retry_ms;
	for (uint32_t i = 0; i < config.buckets; i++)
		leadership->names[i] =
		    config_leader_election_lease(&config, i, leadership->names_arena);
	leadership->buckets = config.buckets;
	log_info("leader election", F_STR("identity", leadership->identity),
		 F_STR("lease", leadership->names[0]), F_INT("buckets", (int64_t)config.buckets),
		 F_MS("leaseDuration", config.lease_ms), F_MS("renewDeadline", config.renew_ms),
		 F_MS("retryPeriod", config.retry_ms));
	leadership_campaign(controller);
}

static void config_read(void *ctx, const struct json *object, const struct error *err)
{
	struct controller *controller = ctx;
	struct leadership *leadership = &controller->leadership;

	leadership->call = NULL;
	if (err->kind == ERROR_NONE || err->kind == ERROR_NOT_FOUND) {
		take_config(controller, json_get(object, "data"));
		return;
	}
	if (!leadership->told)
		log_error("the configuration of leader election can't be read",
			  F_STR("configmap", leadership->config_name),
			  F_STR("error", error_text(err)));
	leadership->told = true;
	timer_arm(controller->timers, &leadership->again,
		  err->retry_after_ms > READ_AGAIN_MS ? err->retry_after_ms : READ_AGAIN_MS);
}

static void read_config(void *ctx)
{
	struct controller *controller = ctx;
	struct leadership *leadership = &controller->leadership;
	struct kube_request request = {
	    .verb = KUBE_GET,
	    .resource = &resource_config_maps,
	    .ns = controller->system_namespace,
	    .name = leadership->config_name,
	};

	leadership->call = kube_client_send(controller->client, &request, config_read, controller);
}

/* ---- life ---- */

void leadership_init(struct controller *controller, const struct controller_config *config)
{
	struct leadership *leadership = &controller->leadership;

	timer_init(&leadership->again, read_config, controller);
	if (!config->identity)
		return;
	leadership->identity = xstrdup(config->identity);
	leadership->config_name =
	    xstrdup(config->leader_election ? config->leader_election : CONFIG_NAME);
	leadership->names_arena = arena_new();
	leadership->failed = config->failed;
	leadership->failed_ctx = config->failed_ctx;
	read_config(controller);
}

void leadership_release(struct controller *controller)
{
	struct leadership *leadership = &controller->leadership;

	if (leadership->call)
		kube_client_cancel(controller->client, leadership->call);
	timer_disarm(controller->timers, &leadership->again);
	for (size_t i = 0; i < leadership->buckets; i++)
		elector_free(leadership->electors[i]);
	arena_free(leadership->names_arena);
	free(leadership->config_name);
	free(leadership->identity);
}

static void one_resigned(void *ctx)
{
	struct controller *controller = ctx;

	if (--controller->leadership.resigning == 0)
		controller->leadership.resigned(controller);
}

void leadership_resign(struct controller *controller,
		       void (*resigned)(struct controller *controller))
{
	struct leadership *leadership = &controller->leadership;

	leadership->resigned = resigned;
	timer_disarm(controller->timers, &leadership->again);
	for (size_t i = 0; i < leadership->buckets; i++)
		leadership->resigning += leadership->electors[i] != NULL;
	if (leadership->resigning == 0) {
		resigned(controller);
		return;
	}
	for (size_t i = 0; i < leadership->buckets; i++) {
		if (leadership->electors[i])
			elector_resign(leadership->electors[i], one_resigned, controller);
	}
}
