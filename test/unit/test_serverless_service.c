/* ServerlessService: read, made from a PodAutoscaler, compared with it, mended. */
#include "pkg/knative/serverless_service.h"

#include "test/lib/test.h"
#include "test/unit/quoted_json.h"

#define PA_TEXT(metadata)                                                                          \
	"{'metadata':{'name':'r1','namespace':'ns','uid':'pa-uid'" metadata "},"                   \
	"'spec':{'scaleTargetRef':{'apiVersion':'apps/v1','kind':'Deployment',"                    \
	"'name':'r1-deployment'},'protocolType':'h2c'}}"

static struct pod_autoscaler *pod_autoscaler(struct arena *arena, const char *text)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct object *object = pod_autoscaler_decode(quoted_json(arena, text), &err);
	EXPECT_TEXT(error_text(&err), "");
	return (struct pod_autoscaler *)object;
}

static struct serverless_service *decoded(const struct json *json)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct object *object = serverless_service_decode(json, &err);
	EXPECT_TEXT(error_text(&err), "");
	return (struct serverless_service *)object;
}

TEST(serverless_service, reads_every_field)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct serverless_service *sks = decoded(quoted_json(
	    arena,
	    "{'metadata':{'name':'hello-00001','namespace':'default','generation':3,"
	    "'uid':'8a7c0a3e-0000-4000-8000-000000000005','resourceVersion':'12345',"
	    "'creationTimestamp':'2026-01-01T00:00:00Z',"
	    "'labels':{'app':'hello-00001','serving.knative.dev/service':'hello'},"
	    "'ownerReferences':[{'apiVersion':'autoscaling.internal.knative.dev/v1alpha1',"
	    "'kind':'PodAutoscaler','name':'hello-00001',"
	    "'uid':'8a7c0a3e-0000-4000-8000-000000000001','controller':true}]},"
	    "'spec':{'mode':'Proxy','numActivators':4,'protocolType':'http1','objectRef':"
	    "{'apiVersion':'apps/v1','kind':'Deployment','name':'hello-00001-deployment'}},"
	    "'status':{'observedGeneration':3,'serviceName':'hello-00001',"
	    "'privateServiceName':'hello-00001-private','conditions':["
	    "{'type':'EndpointsPopulated','status':'True'},{'type':'Ready','status':'True'}]}}"));
	EXPECT_TEXT(sks->object.meta.owner.uid, "8a7c0a3e-0000-4000-8000-000000000001");
	EXPECT_TEXT(sks->mode.mode, SKS_PROXY);
	EXPECT_INT(sks->mode.activators, 4);
	EXPECT_TEXT(sks->ref_api_version, "apps/v1");
	EXPECT_TEXT(sks->ref_kind, "Deployment");
	EXPECT_TEXT(sks->ref_name, "hello-00001-deployment");
	EXPECT_TEXT(sks->protocol, "http1");
	EXPECT_TEXT(sks->service_name, "hello-00001");
	EXPECT_TEXT(sks->private_service_name, "hello-00001-private");
	EXPECT(sks->ready);
	printf("    a ServerlessService takes %zu bytes\n", object_bytes(&sks->object));
	object_unref(&sks->object);
}

TEST(serverless_service, ready_needs_the_same_generation)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const struct {
		const char *status;
		bool want, was_ready;
	} rows[] = {
	    {"{'observedGeneration':2,'conditions':[{'type':'Ready','status':'True'}]}", true,
	     false},
	    {"{'observedGeneration':1,'conditions':[{'type':'Ready','status':'True'}]}", false,
	     true},
	    {"{'observedGeneration':3,'conditions':[{'type':'Ready','status':'True'}]}", false,
	     false},
	    {"{'observedGeneration':1,'conditions':[{'type':'Ready','status':'Unknown'}]}", false,
	     false},
	    {"{'conditions':[{'type':'Ready','status':'True'}]}", false, true},
	    {"{'observedGeneration':2,'conditions':[{'type':'Ready','status':'Unknown'}]}", false,
	     false},
	    {"{'observedGeneration':2,'conditions':[{'type':'Other','status':'True'}]}", false,
	     false},
	    {"{'observedGeneration':2,'conditions':{}}", false, false},
	    {"{'observedGeneration':2}", false, false},
	    {"null", false, false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct serverless_service *sks = decoded(quoted_json(
		    arena,
		    arena_printf(arena, "{'metadata':{'name':'a','generation':2},'status':%s}",
				 rows[i].status)));
		test_row("%s", rows[i].status);
		EXPECT_INT(sks->ready, rows[i].want);
		EXPECT_TEXT(sks->service_name, "");
		EXPECT_INT(sks->was_ready, rows[i].was_ready);
		EXPECT_TEXT(sks->mode.mode, "");
		object_unref(&sks->object);
	}
}

TEST(serverless_service, decode_refuses_what_has_no_name)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	EXPECT(!serverless_service_decode(quoted_json(arena, "{'spec':{}}"), &err));
	EXPECT_INT(err.kind, ERROR_INVALID);
	EXPECT_CONTAINS(error_text(&err), "ServerlessService: ");
}

#define MADE(metadata)                                                                             \
	"{'apiVersion':'networking.internal.knative.dev/v1alpha1','kind':'ServerlessService',"     \
	"'metadata':{'name':'r1','namespace':'ns'" metadata ",'ownerReferences':["                 \
	"{'apiVersion':'autoscaling.internal.knative.dev/v1alpha1','kind':'PodAutoscaler',"        \
	"'name':'r1','uid':'pa-uid','controller':true,'blockOwnerDeletion':true}]},"               \
	"'spec':{'mode':'Serve','objectRef':{'apiVersion':'apps/v1','kind':'Deployment',"          \
	"'name':'r1-deployment'},'protocolType':'h2c'}}"

TEST(serverless_service, made_from_a_pod_autoscaler)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const struct {
		const char *pa, *want;
	} rows[] = {
	    {PA_TEXT(""), MADE("")},
	    {PA_TEXT(",'labels':{},'annotations':{'autoscaling.knative.dev/metric':'cpu'}"),
	     MADE("")},
	    {PA_TEXT(",'labels':{'app':'r1','b':'2'},'annotations':{"
		     "'autoscaling.knative.dev/class':'hpa.autoscaling.knative.dev',"
		     "'autoscaling.knative.dev/target':'5',"
		     "'autoscaling.knative.dev/keda-paused':'true',"
		     "'autoscaling.keda.sh/paused':'true',"
		     "'scaledobject.keda.sh/transfer-hpa-ownership':'true',"
		     "'validations.keda.sh/hpa-ownership':'false',"
		     "'serving.knative.dev/creator':'me','autoscaling.knative.development':'x',"
		     "'kubectl.kubernetes.io/last-applied-configuration':'{}'}"),
	     MADE(",'labels':{'app':'r1','b':'2'},'annotations':{"
		  "'autoscaling.knative.dev/class':'hpa.autoscaling.knative.dev',"
		  "'serving.knative.dev/creator':'me','autoscaling.knative.development':'x'}")},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pod_autoscaler *pa = pod_autoscaler(arena, rows[i].pa);
		const struct sks_mode serve = {SKS_SERVE, 0};
		struct json *made = serverless_service_build(pa, &serve, arena);
		test_row("row %zu", i);
		EXPECT_TEXT(json_shown(arena, made), rows[i].want);
		struct serverless_service *sks = decoded(made);
		EXPECT(serverless_service_in_sync(sks, pa, &serve));
		object_unref(&sks->object);
		object_unref(&pa->object);
	}
}

static struct serverless_service *with_spec(struct arena *arena, const struct json *spec)
{
	struct json *object = quoted_json(
	    arena, "{'metadata':{'name':'r1','resourceVersion':'77','labels':{'odd':'1'}}}");
	json_set(arena, object, "spec", json_copy(arena, spec));
	return decoded(object);
}

static void expect_mended(struct arena *arena, const struct sks_mode *mode, const char *text)
{
	static const char *const drifts[] = {
	    "{'mode':'Serve','numActivators':null}",
	    "{'mode':'Proxy','numActivators':4}",
	    "{'mode':null}",
	    "{'numActivators':2}",
	    "{'numActivators':0,'mode':'Proxy'}",
	    "{'protocolType':'http1'}",
	    "{'objectRef':null}",
	    "{'objectRef':{'name':'other'}}",
	    "{'objectRef':{'kind':'StatefulSet'}}",
	    "{'objectRef':{'apiVersion':'apps/v2'}}",
	};
	const struct json *right = quoted_json(arena, text);
	struct pod_autoscaler *pa = pod_autoscaler(arena, PA_TEXT(""));
	struct serverless_service *sks = with_spec(arena, right);

	EXPECT(serverless_service_in_sync(sks, pa, mode));
	object_unref(&sks->object);
	for (size_t i = 0; i < ARRAY_SIZE(drifts); i++) {
		struct json *live = json_merge_apply(arena, right, quoted_json(arena, drifts[i]));
		if (json_equal(live, right))
			continue;
		test_row("%s %s", mode->mode, drifts[i]);
		sks = with_spec(arena, live);
		EXPECT(!serverless_service_in_sync(sks, pa, mode));
		struct json *patch = serverless_service_patch(sks, pa, mode, arena);
		EXPECT_TEXT(json_text(json_path(patch, "metadata", "resourceVersion", NULL)), "77");
		object_unref(&sks->object);
		struct json *mended = json_merge_apply(arena, live, json_get(patch, "spec"));
		EXPECT(json_equal(mended, right));
		sks = with_spec(arena, mended);
		EXPECT(serverless_service_in_sync(sks, pa, mode));
		object_unref(&sks->object);
	}
	object_unref(&pa->object);
}

#define SPEC(mode)                                                                                 \
	"{" mode ",'objectRef':{'apiVersion':'apps/v1','kind':'Deployment','name':"                \
	"'r1-deployment'},'protocolType':'h2c'}"

TEST(serverless_service, every_field_of_the_spec_is_compared_and_mended)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();

	expect_mended(arena, &(struct sks_mode){SKS_SERVE, 0}, SPEC("'mode':'Serve'"));
	expect_mended(arena, &(struct sks_mode){SKS_PROXY, 3},
		      SPEC("'mode':'Proxy','numActivators':3"));
}

TEST_MAIN(TEST_OF(serverless_service, reads_every_field),
	  TEST_OF(serverless_service, ready_needs_the_same_generation),
	  TEST_OF(serverless_service, decode_refuses_what_has_no_name),
	  TEST_OF(serverless_service, made_from_a_pod_autoscaler),
	  TEST_OF(serverless_service, every_field_of_the_spec_is_compared_and_mended))
