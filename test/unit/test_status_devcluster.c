/* `status` as a person calls it: tables, JSON, names, watching, and what goes wrong. */
#include "test/unit/people_bench.h"

static void expect_code(struct site *site, const char *arguments, int code, const char *out,
			const char *err)
{
	struct told told = person(site, arguments);

	test_row("%s", arguments);
	EXPECT_INT(told.code, code);
	EXPECT_CONTAINS(told.out, out);
	EXPECT_CONTAINS(told.err, err);
	EXPECT(out[0] || !told.out[0]);
	EXPECT(err[0] || !told.err[0]);
	test_row("%s", "");
}

TEST(status, tables_and_json)
{
	struct site site;
	site_init(&site);
	expect_code(&site, "status", 0, "", "No resources found in default namespace.\n");
	expect_code(&site, "status -A", 0, "", "No resources found\n");
	expect_code(&site, "status -o json", 0, "\"items\": []", "");
	start_program(&site);
	post(&site, SERVICES, HELLO, 201);
	post(&site, SERVICES, ANNOTATED("bad", ",\"autoscaling.knative.dev/metric-type\":\"x\""),
	     201);
	struct told told = person_hears(&site, "status hello", "hello-00001   True    <none>   1");
	EXPECT_CONTAINS(told.out,
			"REVISION      READY   REASON   MIN   MAX      CURRENT   DESIRED   "
			"HELD");
	EXPECT_CONTAINS(told.out, "   prometheus   ");
	EXPECT(!strstr(told.out, "bad-00001"));
	expect_code(&site, "status -n default", 0, "bad-00001     False   InvalidAnnotation", "");
	expect_code(&site, "status hello-00001 -o wide", 0, "ValidMetricFound/ReadyForNewScale/",
		    "");
	expect_code(&site, "status -A", 0, "NAMESPACE   REVISION      READY   REASON", "");
	expect_code(&site, "status -n other", 0, "", "No resources found in other namespace.\n");
	expect_code(
	    &site, "status nope", 1, "",
	    "Error from server (NotFound): revisions.serving.knative.dev \"nope\" not found\n");
	const struct json *item = json_at(
	    json_get(parse_told(&site, person(&site, "status hello -o json").out), "items"), 0);
	EXPECT_TEXT(member(item, "revision"), "hello-00001");
	EXPECT_TEXT(member(item, "ready"), "True");
	EXPECT_INT(json_int_or(json_get(item, "currentReplicas"), -1), 1);
	EXPECT_INT(json_int_or(json_get(item, "minReplicas"), -1), 1);
	EXPECT(!json_get(item, "maxReplicas"));
	EXPECT_TEXT(member(json_get(item, "keda"), "ready"), "True");
	EXPECT_TEXT(json_text_or(json_at(json_get(item, "triggers"), 0), ""), "prometheus");
	EXPECT(member(item, "heldUntil")[0]);
	site_release(&site);
}

TEST(status, wrong_use_and_trouble)
{
	struct site site;
	site_init(&site);
	expect_code(&site, "status -o yaml", 2, "", "--output: \"yaml\" is not wide or json");
	expect_code(&site, "status a b", 2, "", "\"b\": one name is taken");
	expect_code(&site, "status -A a", 2, "", "by name across all namespaces");
	expect_code(&site, "status --nonsense", 2, "", "there is no option --nonsense");
	expect_code(&site, "status --request-timeout=soon", 2, "", "\"soon\" is no duration");
	expect_code(&site, "status -n", 2, "", "-n needs a value");
	expect_code(&site, "status --help", 0, "Usage: autoscaler-keda-hpa status", "");
	expect_code(&site, "status --context nope", 1, "", "nope");
	expect_code(&site, "status --kubeconfig /does/not/exist", 1, "", "/does/not/exist");
	expect_code(&site, "status -s https://127.0.0.1:1", 1, "",
		    "Unable to reach the server https://127.0.0.1:1: ");
	post(&site, "/devcluster/fault?match=GET+/podautoscalers&kind=status&value=403", NULL, 200);
	expect_code(&site, "status", 1, "", "Error from server (Forbidden): ");
	post(&site, "/devcluster/fault?match=GET+/podautoscalers&kind=delay&value=2000", NULL, 200);
	expect_code(&site, "status --request-timeout 300ms", 1, "",
		    "Unable to reach the server https://127.0.0.1:");
	site_release(&site);
}

static void post_many(struct site *site, int count)
{
	for (int i = 0; i < count; i++)
		post(site, PAS,
		     arena_printf(
			 site->arena,
			 "{\"apiVersion\":\"autoscaling.internal.knative.dev/v1alpha1\","
			 "\"kind\":\"PodAutoscaler\",\"metadata\":{\"name\":\"r-%03d\","
			 "\"annotations\":{\"autoscaling.knative.dev/class\":\"%s\"}},"
			 "\"spec\":{\"scaleTargetRef\":{\"apiVersion\":\"apps/v1\","
			 "\"kind\":\"Deployment\",\"name\":\"d-%d\"},"
			 "\"protocolType\":\"http1\"}}",
			 i, i == 7 ? "kpa.autoscaling.knative.dev" : "hpa.autoscaling.knative.dev",
			 i),
		     201);
}

/* More than a page; one of another class. What may not be read is done without. */
TEST(status, pages_and_rights)
{
	struct site site;
	site_init(&site);
	post_many(&site, 301);
	post(&site, "/devcluster/fault?match=GET+/scaledobjects&kind=status&value=403&count=0",
	     NULL, 200);
	struct told told = person(&site, "status -o json");
	EXPECT_INT(told.code, 0);
	EXPECT_CONTAINS(told.err, "Warning: ");
	const struct json *items = json_get(parse_told(&site, told.out), "items");
	EXPECT_INT(json_count(items), 300);
	EXPECT_TEXT(member(json_at(items, 299), "revision"), "r-300");
	EXPECT_TEXT(member(json_at(items, 7), "revision"), "r-008");
	EXPECT_INT(ask(&site, "DELETE", "/devcluster/faults", NULL, NULL), 200);
	post(&site, "/devcluster/keda?installed=false", NULL, 200);
	told = person(&site, "status");
	EXPECT_INT(told.code, 0);
	EXPECT_TEXT(told.err, "");
	site_release(&site);
}

/* Until what it has printed so far has that text. */
static void watch_hears(struct site *site, const char *text)
{
	int64_t until = now_ms() + WAIT_MS;

	while (!strstr(read_told(site, "answer"), text) && now_ms() < until)
		pass_time(site, 50);
	EXPECT_CONTAINS(read_told(site, "answer"), text);
}

static void end_watch(struct site *site, pid_t pid)
{
	kill(pid, SIGINT);
	finish_person(site, pid);
}

TEST(status, watch)
{
	struct site site;
	site_init(&site);
	start_program(&site);
	post(&site, SERVICES, HELLO, 201);
	person_hears(&site, "status", "hello-00001   True ");
	pid_t pid = begin_person(&site, beside(site.arena, PROGRAM_FILE), "status -w -o json");
	watch_hears(&site, "\"kind\": \"RevisionScaling\"");
	post(&site, "/devcluster/metric?namespace=default&name=orders&value=20", NULL, 200);
	watch_hears(&site, "\"desiredReplicas\": 4");
	EXPECT_INT(ask(&site, "DELETE", SERVICES "/hello", NULL, NULL), 200);
	watch_hears(&site, "\"deleted\": true");
	end_watch(&site, pid);

	pid = begin_person(&site, beside(site.arena, PROGRAM_FILE), "status --watch");
	watch_hears(&site, "REVISION   READY");
	post(&site, SERVICES, HELLO, 201);
	watch_hears(&site, "hello-00001   True");
	end_watch(&site, pid);
	site_release(&site);
}

TEST_MAIN(TEST_OF(status, tables_and_json), TEST_OF(status, wrong_use_and_trouble),
	  TEST_OF(status, pages_and_rights), TEST_OF(status, watch))
