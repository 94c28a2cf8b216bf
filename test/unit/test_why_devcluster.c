/* `why` as a person calls it: text and JSON, of a service and of a revision, with fewer rights. */
#include "test/unit/people_bench.h"

#define SCALED_OBJECTS "/apis/keda.sh/v1alpha1/namespaces/default/scaledobjects"

/* Until the reason is that one: Knative's edits of a PodAutoscaler take a moment to be seen. */
static const struct json *ask_why(struct site *site, const char *name, const char *reason)
{
	struct told told = person_hears(site, arena_printf(site->arena, "why %s -o json", name),
					arena_printf(site->arena, "\"reason\": \"%s\"", reason));

	EXPECT_INT(told.code, 0);
	EXPECT_TEXT(told.err, "");
	return parse_told(site, told.out);
}

TEST(why, of_a_service)
{
	struct site site;
	struct told told;
	site_init(&site);
	start_program(&site);
	post(&site, SERVICES, ANNOTATED("bad", ",\"autoscaling.knative.dev/metric-type\":\"x\""),
	     201);
	told = person_hears(&site, "why bad", "bad-00001 is not ready: InvalidAnnotation (for ");
	EXPECT_CONTAINS(told.out, "\nautoscaling.knative.dev/metric-type: \"x\" is not known");
	EXPECT_CONTAINS(told.out, "\nWhat there is:\n");
	EXPECT_CONTAINS(told.out, "\nNext:\n");
	EXPECT_CONTAINS(told.out,
			"\n    kubectl -n default annotate revision bad-00001 --overwrite "
			"autoscaling.knative.dev/metric-type=VALUE\n");
	const struct json *found = ask_why(&site, "bad-00001", "InvalidAnnotation");
	EXPECT_TEXT(member(found, "apiVersion"), "autoscaler-keda-hpa/v1");
	EXPECT_TEXT(member(found, "kind"), "RevisionExplanation");
	EXPECT_TEXT(member(found, "namespace"), "default");
	EXPECT_TEXT(member(found, "revision"), "bad-00001");
	EXPECT_TEXT(member(found, "service"), "bad");
	EXPECT_TEXT(member(found, "ready"), "False");
	EXPECT_TEXT(member(found, "reason"), "InvalidAnnotation");
	EXPECT(member(found, "since")[0]);
	EXPECT_TEXT(member(ask_why(&site, "bad", "InvalidAnnotation"), "revision"), "bad-00001");
	post(&site, SERVICES, HELLO, 201);
	told = person_hears(&site, "why hello", "hello-00001 is ready");
	EXPECT(member(ask_why(&site, "hello", "WarmHold"), "heldUntil")[0]);
	site_release(&site);
}

TEST(why, nothing_of_that_name)
{
	struct site site;
	struct told told;
	site_init(&site);
	post(&site, SERVICES, HELLO, 201);
	told = person_hears(&site, "why hello", "ControllerNotRunning");
	EXPECT_CONTAINS(told.out, "there is no Lease hpaautoscaler.knative.dev.autoscaler-keda.");
	told = person(&site, "why helo-00001");
	EXPECT_INT(told.code, 1);
	EXPECT_TEXT(told.out, "");
	EXPECT_CONTAINS(told.err,
			"(NotFound): revisions.serving.knative.dev \"helo-00001\" not found");
	EXPECT_CONTAINS(told.err, "Near it: hello-00001\n");
	told = person(&site, "why");
	EXPECT_INT(told.code, 2);
	EXPECT_CONTAINS(told.err, "which revision or service?");
	EXPECT_INT(person(&site, "why x -A").code, 2);
	EXPECT_INT(person(&site, "why x -o wide").code, 2);
	site_release(&site);
}

static void forbid(struct site *site, const char *what)
{
	post(site,
	     arena_printf(site->arena,
			  "/devcluster/fault?match=GET+/%s?limit=250&kind=status&value=403&count=0",
			  what),
	     NULL, 200);
}

TEST(why, with_fewer_rights)
{
	struct site site;
	site_init(&site);
	start_program(&site);
	post(&site, "/devcluster/keda?running=false", NULL, 200);
	post(&site, SERVICES, HELLO, 201);
	person_hears(&site, "why hello", "WaitingForHPA");
	forbid(&site, "scaledobjects");
	forbid(&site, "leases");
	const struct json *found = ask_why(&site, "hello", "WaitingForHPA");
	EXPECT_INT(json_count(json_get(found, "unread")), 2);
	EXPECT_CONTAINS(person(&site, "why hello").out, "You may not read these");
	forbid(&site, "podautoscalers");
	found = ask_why(&site, "hello-00001", "NotReadable");
	EXPECT_CONTAINS(member(found, "summary"), "WaitingForHPA");
	site_release(&site);
}

TEST(why, a_ScaledObject_of_the_users_own)
{
	struct site site;
	site_init(&site);
	start_program(&site);
	post(&site, SERVICES,
	     ANNOTATED("own", ",\"autoscaling.knative.dev/scaled-object-auto-create\":\"false\""),
	     201);
	person_hears(&site, "why own", "WaitingForScaledObject");
	post(
	    &site, SCALED_OBJECTS,
	    "{\"apiVersion\":\"keda.sh/v1alpha1\",\"kind\":\"ScaledObject\",\"metadata\":{\"name\":"
	    "\"mine\"},\"spec\":{\"scaleTargetRef\":{\"name\":\"own-00001-deployment\"},"
	    "\"minReplicaCount\":1,"
	    "\"triggers\":[{\"type\":\"prometheus\",\"metadata\":{\"serverAddress\":"
	    "\"http://p.example\",\"query\":\"sum(own)\",\"threshold\":\"5\"}}]}}",
	    201);
	struct told told = person_hears(&site, "why own", "own-00001 is ready");
	EXPECT_CONTAINS(told.out, "ScaledObject/mine ");
	EXPECT_CONTAINS(told.out, "HorizontalPodAutoscaler/keda-hpa-mine ");
	EXPECT_CONTAINS(person(&site, "status own").out, "   prometheus   ");
	site_release(&site);
}

TEST(why, without_KEDA)
{
	struct site site;
	site_init(&site);
	post(&site, "/devcluster/keda?installed=false", NULL, 200);
	start_program(&site);
	post(&site, SERVICES, HELLO, 201);
	struct told told = person_hears(&site, "why hello", "KEDANotInstalled");
	EXPECT_CONTAINS(told.out, "the API server knows no ScaledObjects");
	site_release(&site);
}

/* The same file under kubectl's name for a plugin. */
TEST(why, as_plugin)
{
	struct site site;
	site_init(&site);
	const char *link = arena_printf(site.arena, "%s/kubectl-autoscaler_keda", site.dir);
	CHECK(symlink(beside(site.arena, PROGRAM_FILE), link) == 0);
	struct told told = finish_person(&site, begin_person(&site, link, "why --help"));
	EXPECT_CONTAINS(told.out, "Usage: kubectl autoscaler-keda why REVISION");
	told = finish_person(&site, begin_person(&site, link, "help"));
	EXPECT_CONTAINS(told.out, "Usage: kubectl autoscaler-keda COMMAND");
	EXPECT(!strstr(told.out, "run the controller"));
	told = finish_person(&site, begin_person(&site, link, "--nonsense"));
	EXPECT_INT(told.code, 2);
	EXPECT_CONTAINS(told.err, "kubectl autoscaler-keda: there is no command \"--nonsense\"");
	unlink(link);
	site_release(&site);
}

TEST_MAIN(TEST_OF(why, of_a_service), TEST_OF(why, nothing_of_that_name),
	  TEST_OF(why, with_fewer_rights), TEST_OF(why, a_ScaledObject_of_the_users_own),
	  TEST_OF(why, without_KEDA), TEST_OF(why, as_plugin))
