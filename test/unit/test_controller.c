/* How the ConfigMaps are read, when the controller is ready, how it stops, what it tells. */
#include "pkg/base/log.h"
#include "test/unit/shell_fixture.h"

TEST(configs, a_bad_edit_keeps_the_old_values)
{
	struct fixture f;
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;

	setup(&f);
	EXPECT_INT(f.controller->autoscaler->config.initial_scale, 1);
	EXPECT(f.controller->keda->config.auto_create);
	put(&f, CACHE_CONFIG_AUTOSCALER, "system", "config-autoscaler", "",
	    "'data':{'min-scale':'3'}");
	EXPECT_INT(f.controller->autoscaler->config.min_scale, 3);
	put(&f, CACHE_CONFIG_AUTOSCALER, "system", "config-autoscaler", "",
	    "'data':{'min-scale':'many'}");
	EXPECT_INT(f.controller->autoscaler->config.min_scale, 3);
	put(&f, CACHE_CONFIG_KEDA, "system", "config-autoscaler-keda", "",
	    "'data':{'autoscaler.keda.prometheus-address':'http://p:1'}");
	EXPECT_TEXT(f.controller->keda->config.prometheus_address, "http://p:1");
	put(&f, CACHE_CONFIG_KEDA, "system", "config-autoscaler-keda", "",
	    "'data':{'autoscaler.keda.scaledobject-autocreate':'perhaps'}");
	EXPECT_TEXT(f.controller->keda->config.prometheus_address, "http://p:1");
	EXPECT(f.controller->keda->config.auto_create);
	/* Gone: the defaults. */
	store_delete(f.controller->caches[CACHE_CONFIG_AUTOSCALER].store, "system",
		     "config-autoscaler", ++f.version);
	EXPECT_INT(f.controller->autoscaler->config.min_scale, 0);
	metrics_write(f.metrics, &text);
	EXPECT_CONTAINS(
	    text.buf, "autoscaler_keda_hpa_config_errors_total{configmap=\"config-autoscaler\"} 1");
	EXPECT_CONTAINS(
	    text.buf,
	    "autoscaler_keda_hpa_config_errors_total{configmap=\"config-autoscaler-keda\"} 1");
	teardown(&f);
}

static void keep_line(void *ctx, const char *line, size_t length)
{
	strbuf_add(ctx, line, length);
}

TEST(configs, levels_and_form_of_logs_are_live)
{
	CLEANUP(strbuf_release) struct strbuf lines = STRBUF_INIT;
	struct fixture f;

	setup(&f);
	log_setup(&f.clock.clock, NULL, keep_line, &lines);
	put(&f, CACHE_CONFIG_LOGGING, "system", "config-logging", "",
	    "'data':{'loglevel.hpaautoscaler':'DEBUG'}");
	EXPECT(log_enabled(LOG_DEBUG));
	EXPECT_CONTAINS(lines.buf, "\"log level changed\",\"from\":\"info\",\"to\":\"debug\"");
	put(&f, CACHE_CONFIG_LOGGING, "system", "config-logging", "",
	    "'data':{'loglevel.hpaautoscaler':'loud'}");
	EXPECT(log_enabled(LOG_DEBUG));
	EXPECT_CONTAINS(lines.buf, "configuration is refused");
	EXPECT_CONTAINS(lines.buf, "invalid logging level: loud");
	strbuf_reset(&lines);
	put(&f, CACHE_CONFIG_LOGGING, "system", "config-logging", "",
	    "'data':{'loglevel.hpaautoscaler':'error','zap-logger-config':"
	    "'{\\\"encoding\\\":\\\"console\\\"}'}");
	EXPECT(!log_enabled(LOG_WARN));
	EXPECT_CONTAINS(lines.buf, " INFO  log level changed from=debug to=error\n");
	store_delete(f.controller->caches[CACHE_CONFIG_LOGGING].store, "system", "config-logging",
		     ++f.version);
	EXPECT(log_enabled(LOG_INFO) && !log_enabled(LOG_DEBUG));
	EXPECT_CONTAINS(lines.buf, "{\"severity\":\"INFO\"");
	EXPECT(!strstr(lines.buf, "absent"));
	log_setup(&system_clock, NULL, NULL, NULL);
	teardown(&f);
}

TEST(configs, the_flag_for_the_form_of_logs_wins)
{
	CLEANUP(strbuf_release) struct strbuf lines = STRBUF_INIT;
	struct fixture f;

	setup(&f);
	f.controller->others.log_format_fixed = true;
	log_setup(&f.clock.clock, NULL, keep_line, &lines);
	put(&f, CACHE_CONFIG_LOGGING, "system", "config-logging", "",
	    "'data':{'zap-logger-config':'{\\\"level\\\":\\\"debug\\\",\\\"encoding\\\":"
	    "\\\"console\\\"}'}");
	EXPECT_CONTAINS(lines.buf, "{\"severity\":\"INFO\"");
	log_setup(&system_clock, NULL, NULL, NULL);
	log_set_level(LOG_INFO);
	teardown(&f);
}

TEST(configs, metrics_are_off_only_if_that_is_said)
{
	CLEANUP(strbuf_release) struct strbuf lines = STRBUF_INIT;
	struct fixture f;

	setup(&f);
	log_setup(&f.clock.clock, NULL, keep_line, &lines);
	EXPECT(!controller_metrics_off(f.controller));
	put(&f, CACHE_CONFIG_OBSERVABILITY, "system", "config-observability", "",
	    "'data':{'metrics-protocol':'none'}");
	EXPECT(controller_metrics_off(f.controller));
	EXPECT_CONTAINS(lines.buf, "\"metrics are switched off\"");
	put(&f, CACHE_CONFIG_OBSERVABILITY, "system", "config-observability", "",
	    "'data':{'metrics-protocol':'None'}");
	EXPECT(controller_metrics_off(f.controller));
	EXPECT_CONTAINS(lines.buf, "unsupported protocol");
	put(&f, CACHE_CONFIG_OBSERVABILITY, "system", "config-observability", "",
	    "'data':{'metrics-protocol':'grpc','metrics-endpoint':'x:1'}");
	EXPECT(!controller_metrics_off(f.controller));
	EXPECT_CONTAINS(lines.buf, "and in no other way\",\"protocol\":\"grpc\"");
	put(&f, CACHE_CONFIG_OBSERVABILITY, "system", "config-observability", "",
	    "'data':{'metrics-protocol':'none'}");
	store_delete(f.controller->caches[CACHE_CONFIG_OBSERVABILITY].store, "system",
		     "config-observability", ++f.version);
	EXPECT(!controller_metrics_off(f.controller));
	log_setup(&system_clock, NULL, NULL, NULL);
	teardown(&f);
}

TEST(configs, a_change_looks_at_all_of_ours_once_it_runs)
{
	struct fixture f;

	setup(&f);
	put(&f, CACHE_PA, "ns", "a", OURS, TARGET("c"));
	put(&f, CACHE_PA, "ns", "b", OTHER, TARGET("c"));
	expect_keys(&f, "ns/a");
	put(&f, CACHE_CONFIG_AUTOSCALER, "system", "config-autoscaler", "",
	    "'data':{'min-scale':'3'}");
	expect_keys(&f, "");
	f.controller->ready = true;
	put(&f, CACHE_CONFIG_AUTOSCALER, "system", "config-autoscaler", "",
	    "'data':{'min-scale':'4'}");
	expect_keys(&f, "ns/a");
	/* Only its metadata changed. */
	put(&f, CACHE_CONFIG_AUTOSCALER, "system", "config-autoscaler", "'labels':{'a':'b'}",
	    "'data':{'min-scale':'4'}");
	expect_keys(&f, "");
	teardown(&f);
}

/* An empty list, streamed: the bookmark that ends it. To the request that has this part, or ends in
 * it if end is set. */
static void answer_list_of(struct fixture *f, const char *part, bool end)
{
	struct http_call *call = f->transport.calls;

	for (; call; call = call->next) {
		const char *found = strstr(call->request.path, part);

		if (call->open && !call->answered && found && (!end || !found[strlen(part)]))
			break;
	}
	EXPECT(call);
	if (!call)
		return;
	fake_head(&f->transport, call, 200);
	fake_chunk(&f->transport, call,
		   "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"50\","
		   "\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}\n");
}

static void answer_list(struct fixture *f, const char *part)
{
	answer_list_of(f, part, false);
}

static void answer_all_but_keda(struct fixture *f)
{
	answer_list(f, "podautoscalers");
	answer_list(f, "serverlessservices");
	answer_list(f, "horizontalpodautoscalers");
	answer_list(f, "/namespaces/system/leases");
	answer_list_of(f, "config-autoscaler", true);
	answer_list_of(f, "config-autoscaler-keda", true);
	answer_list_of(f, "config-logging", true);
	answer_list_of(f, "config-observability", true);
	fake_clock_run(&f->clock, f->timers, 100);
}

TEST(controller, is_ready_once_all_is_synced_and_an_absent_api_counts)
{
	struct fixture f;

	setup(&f);
	EXPECT_INT(fake_open_count(&f.transport), CACHE_COUNT);
	answer_all_but_keda(&f);
	EXPECT(!controller_ready(f.controller));
	EXPECT(!controller_idle(f.controller));
	fake_answer(&f.transport, fake_find(&f.transport, "GET", "scaledobjects"), 404,
		    "404 page not found");
	fake_clock_run(&f.clock, f.timers, 100);
	EXPECT(controller_ready(f.controller));
	EXPECT(controller_idle(f.controller));
	EXPECT(!f.controller->keda_installed);
	teardown(&f);
}

TEST(controller, keda_coming_is_seen_and_all_are_looked_at)
{
	struct fixture f;

	setup(&f);
	f.controller->draining = true; /* keys stay where they are */
	answer_all_but_keda(&f);
	fake_answer(&f.transport, fake_find(&f.transport, "GET", "scaledobjects"), 404,
		    "404 page not found");
	fake_clock_run(&f.clock, f.timers, 1000);
	EXPECT(!f.controller->keda_installed);
	put(&f, CACHE_PA, "ns", "a", OURS, TARGET("d"));
	expect_keys(&f, "ns/a");
	fake_clock_run(&f.clock, f.timers, 3000); /* asked again */
	answer_list(&f, "scaledobjects");
	fake_clock_run(&f.clock, f.timers, 500);
	EXPECT(f.controller->keda_installed);
	expect_keys(&f, "ns/a");
	fake_clock_run(&f.clock, f.timers, 1000);
	expect_keys(&f, "");
	teardown(&f);
}

static void on_stopped(void *ctx)
{
	struct fixture *f = ctx;

	f->stopped = true;
}

TEST(controller, stops_when_nothing_is_under_way)
{
	struct fixture f;

	setup(&f);
	controller_stop(f.controller, on_stopped, &f);
	EXPECT(!f.stopped);
	fake_clock_run(&f.clock, f.timers, 0);
	EXPECT(f.stopped);
	EXPECT(!controller_ready(f.controller));
	teardown(&f);
}

TEST(controller, stopping_waits_for_events_a_second_at_most)
{
	struct fixture f;
	struct event_about about = {
	    .api_version = "v1", .kind = "X", .ns = "ns", .name = "n", .uid = "u"};

	setup(&f);
	recorder_event(f.controller->recorder, &about, false, "Reason", "text");
	fake_clock_run(&f.clock, f.timers, 1);
	controller_stop(f.controller, on_stopped, &f);
	fake_clock_run(&f.clock, f.timers, 900);
	EXPECT(!f.stopped);
	fake_clock_run(&f.clock, f.timers, 200);
	EXPECT(f.stopped);
	teardown(&f);
}

TEST(controller, its_metrics_are_there)
{
	static const char *const want[] = {
	    "kn_workqueue_depth{name=\"autoscaler-keda-hpa\"} 1",
	    "kn_workqueue_adds_total{name=\"autoscaler-keda-hpa\"} 1",
	    "autoscaler_keda_hpa_cache_objects{kind=\"PodAutoscaler\"} 1",
	    "autoscaler_keda_hpa_cache_synced{kind=\"ScaledObject\"} 0",
	    "autoscaler_keda_hpa_build_info{version=",
	    "{kind=\"ScaledObject\",verb=\"create\",outcome=\"conflict\"} 1",
	    "kn_workqueue_queue_duration_seconds_count{name=\"autoscaler-keda-hpa\"} 1",
	};
	struct fixture f;
	struct decision decision = {.step = STEP_CREATE_SO};
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;

	setup(&f);
	put(&f, CACHE_PA, "ns", "a", OURS, TARGET("d"));
	if (!error_set(&err, ERROR_CONFLICT, "old"))
		tell_step(f.controller, "ns/a", &decision, &err, 12);
	meters_wait(f.controller, 30);
	metrics_write(f.metrics, &text);
	strbuf_reset(&text);
	metrics_write(f.metrics, &text); /* totals are not counted twice */
	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		EXPECT_CONTAINS(text.buf, want[i]);
	teardown(&f);
}

/* "WARNING reconcile failed, INFO reconciled" */
static void collect_lines(void *ctx, const char *line, size_t length)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct json *json = NULL;
	struct strbuf *lines = ctx;

	EXPECT(json_parse(line, length, NULL, arena, &json, NULL));
	strbuf_addf(lines, "%s%s %s", lines->len ? ", " : "", json_text(json_get(json, "severity")),
		    json_text(json_get(json, "message")));
	if (json_get(json, "written"))
		strbuf_addf(lines, " %s", json_text(json_get(json, "written")));
	EXPECT_TEXT(json_text(json_get(json, "knative.dev/key")), "ns/a");
	EXPECT_TEXT(json_text(json_get(json, "knative.dev/traceid")), "000000000000002a");
	EXPECT_TEXT(json_text(json_get(json, "knative.dev/kind")),
		    "autoscaling.internal.knative.dev.PodAutoscaler");
	EXPECT_TEXT(json_text(json_get(json, "duration")), "12ms");
}

#define BIT(step) (1U << (step))
#define SO_FAILS(k) .failed = STEP_CREATE_SO, .kind = (k), .error = "why"

TEST(notes, one_line_a_decision)
{
	static const struct {
		struct pass_outcome outcome;
		const char *lines;
	} rows[] = {
	    {{.error = ""}, "DEBUG reconciled"},
	    {{.done = BIT(STEP_GET_SO)}, "DEBUG reconciled"},
	    {{.done = BIT(STEP_CREATE_SKS) | BIT(STEP_PATCH_STATUS)},
	     "INFO reconciled create-serverlessservice,patch-podautoscaler-status"},
	    {{.event = "ScalingDegraded", .event_message = "text"}, "INFO reconciled"},
	    /* told once, until it changes or goes */
	    {{SO_FAILS(ERROR_TRANSIENT)}, "WARNING reconcile failed"},
	    {{SO_FAILS(ERROR_TRANSIENT)}, "DEBUG reconcile failed"},
	    {{SO_FAILS(ERROR_TRANSIENT), .done = BIT(STEP_PATCH_STATUS)},
	     "INFO reconcile failed patch-podautoscaler-status"},
	    {{SO_FAILS(ERROR_FORBIDDEN)}, "WARNING reconcile failed"},
	    {{.failed = STEP_PATCH_SKS, .kind = ERROR_FORBIDDEN, .error = "why"},
	     "WARNING reconcile failed"},
	    {{SO_FAILS(ERROR_CONFLICT)}, "DEBUG reconcile failed"},
	    {{.failed = STEP_PATCH_SKS, .kind = ERROR_FORBIDDEN, .error = "why"},
	     "DEBUG reconcile failed"},
	    /* a pass that does not try it again, and gives the same reason, does not end it */
	    {{.error = ""}, "DEBUG reconciled"},
	    {{.failed = STEP_PATCH_SKS, .kind = ERROR_FORBIDDEN, .error = "why"},
	     "DEBUG reconcile failed"},
	    {{.reason = "Other"}, "DEBUG reconciled"},
	    {{.failed = STEP_PATCH_SKS, .kind = ERROR_FORBIDDEN, .error = "why"},
	     "WARNING reconcile failed"},
	    {{.done = BIT(STEP_PATCH_SKS)}, "INFO reconciled patch-serverlessservice"},
	    {{.failed = STEP_PATCH_SKS, .kind = ERROR_FORBIDDEN, .error = "why"},
	     "WARNING reconcile failed"},
	};
	struct key_state state = {0};
	struct fake_clock clock;

	fake_clock_init(&clock);
	log_set_level(LOG_DEBUG);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(strbuf_release) struct strbuf lines = STRBUF_INIT;
		struct pass_outcome outcome = rows[i].outcome;

		test_row("%zu", i);
		outcome.trace = 42;
		outcome.reason = outcome.reason ? outcome.reason : "";
		outcome.duration_ms = 12;
		log_setup(&clock.clock, NULL, collect_lines, &lines);
		tell_outcome(&state, "ns/a", &outcome);
		EXPECT_TEXT(lines.buf, rows[i].lines);
	}
	test_row("%s", "");
	log_set_level(LOG_INFO);
	log_setup(&system_clock, NULL, NULL, NULL);
}

/* The objects of the Events that are sent, in order. */
static void expect_event(struct fixture *f, size_t nth, const char *part)
{
	struct http_call *call = f->transport.calls;

	while (call && (strcmp(call->request.method, "POST") != 0 || nth-- > 0))
		call = call->next;
	EXPECT(call);
	if (call)
		EXPECT_CONTAINS(call->request.body, part);
}

TEST(configs, a_refusal_is_an_event_on_the_map)
{
	struct fixture f;

	setup(&f);
	put(&f, CACHE_CONFIG_KEDA, "system", "config-autoscaler-keda", "'uid':'map'",
	    "'data':{'autoscaler.keda.scaledobject-autocreate':'perhaps'}");
	fake_clock_run(&f.clock, f.timers, 1000);
	expect_event(&f, 0, "\"kind\":\"ConfigMap\"");
	expect_event(&f, 0, "\"uid\":\"map\"");
	expect_event(&f, 0, "\"namespace\":\"system\"");
	expect_event(&f, 0, "\"type\":\"Warning\"");
	expect_event(&f, 0, "\"reason\":\"ConfigurationRefused\"");
	expect_event(&f, 0, "scaledobject-autocreate");
	EXPECT(strstr(fake_last(&f.transport)->request.path, "/namespaces/system/events"));
	teardown(&f);
}

TEST(notes, go_to_revision_and_service_by_labels_and_owner)
{
	struct fixture f;
	struct note note = {.warning = true,
			    .targets = NOTE_PA | NOTE_REVISION | NOTE_SERVICE,
			    .reason = "Why",
			    .message = "text"};
	const struct object *pa;

	setup(&f);
	put(&f, CACHE_PA, "ns", "a",
	    OURS ",'labels':{'serving.knative.dev/service':'svc','serving.knative.dev/serviceUID':"
		 "'svc-uid'},'ownerReferences':[{'apiVersion':'serving.knative.dev/v1','kind':"
		 "'Revision','name':'rev','uid':'rev-uid','controller':true}]",
	    TARGET("d"));
	pa = store_get(f.controller->caches[CACHE_PA].store, "ns", "a");
	tell_note(f.controller, (const struct pod_autoscaler *)pa, &note);
	fake_clock_run(&f.clock, f.timers, 1000);
	expect_event(&f, 0, "\"uid\":\"pa\"");
	expect_event(&f, 0, "\"type\":\"Warning\"");
	expect_event(&f, 1, "\"uid\":\"rev-uid\"");
	expect_event(&f, 2, "\"uid\":\"svc-uid\"");
	EXPECT_CONTAINS(fake_last(&f.transport)->request.body, "\"name\":\"svc\"");
	teardown(&f);
}

TEST(notes, what_is_not_known_gets_none)
{
	struct fixture f;
	struct note note = {
	    .targets = NOTE_PA | NOTE_REVISION | NOTE_SERVICE, .reason = "Why", .message = "text"};
	size_t before;
	const struct object *pa;

	setup(&f);
	put(&f, CACHE_PA, "ns", "a", OURS ",'labels':{'serving.knative.dev/service':'svc'}",
	    TARGET("d"));
	pa = store_get(f.controller->caches[CACHE_PA].store, "ns", "a");
	before = f.transport.count;
	tell_note(f.controller, (const struct pod_autoscaler *)pa, &note);
	fake_clock_run(&f.clock, f.timers, 100);
	EXPECT_INT(f.transport.count - before, 1);
	teardown(&f);
}

TEST_MAIN(TEST_OF(configs, a_bad_edit_keeps_the_old_values),
	  TEST_OF(configs, a_change_looks_at_all_of_ours_once_it_runs),
	  TEST_OF(configs, levels_and_form_of_logs_are_live),
	  TEST_OF(configs, the_flag_for_the_form_of_logs_wins),
	  TEST_OF(configs, metrics_are_off_only_if_that_is_said),
	  TEST_OF(configs, a_refusal_is_an_event_on_the_map),
	  TEST_OF(controller, is_ready_once_all_is_synced_and_an_absent_api_counts),
	  TEST_OF(controller, keda_coming_is_seen_and_all_are_looked_at),
	  TEST_OF(controller, stops_when_nothing_is_under_way),
	  TEST_OF(controller, stopping_waits_for_events_a_second_at_most),
	  TEST_OF(controller, its_metrics_are_there), TEST_OF(notes, one_line_a_decision),
	  TEST_OF(notes, go_to_revision_and_service_by_labels_and_owner),
	  TEST_OF(notes, what_is_not_known_gets_none))
