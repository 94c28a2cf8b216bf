/* PodAutoscaler from JSON: every field, what is refused, what counts as unset. */
#include "pkg/knative/pod_autoscaler.h"

#include "test/lib/test.h"
#include "test/unit/quoted_json.h"

/* As Knative makes one, with its labels and an ordinary user's annotations. */
static const char realistic[] =
    "{'apiVersion':'autoscaling.internal.knative.dev/v1alpha1','kind':'PodAutoscaler',"
    "'metadata':{'name':'hello-00001','namespace':'default',"
    "'uid':'8a7c0a3e-0000-4000-8000-000000000001','resourceVersion':'123456','generation':2,"
    "'creationTimestamp':'2026-01-01T00:00:00Z',"
    "'labels':{'app':'hello-00001','serving.knative.dev/configuration':'hello',"
    "'serving.knative.dev/configurationGeneration':'1',"
    "'serving.knative.dev/configurationUID':'0b6d2c1e-0000-4000-8000-000000000002',"
    "'serving.knative.dev/revision':'hello-00001',"
    "'serving.knative.dev/revisionUID':'0b6d2c1e-0000-4000-8000-000000000003',"
    "'serving.knative.dev/service':'hello',"
    "'serving.knative.dev/serviceUID':'0b6d2c1e-0000-4000-8000-000000000004'},"
    "'annotations':{'autoscaling.knative.dev/class':'hpa.autoscaling.knative.dev',"
    "'autoscaling.knative.dev/metric':'http_requests',"
    "'autoscaling.knative.dev/target':'100',"
    "'autoscaling.knative.dev/min-scale':'1','autoscaling.knative.dev/max-scale':'10',"
    "'autoscaling.knative.dev/prometheus-query':'sum(rate(http_requests_total{}[1m]))',"
    "'serving.knative.dev/creator':'kubernetes-admin',"
    "'kubectl.kubernetes.io/last-applied-configuration':'{}'},"
    "'ownerReferences':[{'apiVersion':'serving.knative.dev/v1','kind':'Revision',"
    "'name':'hello-00001','uid':'0b6d2c1e-0000-4000-8000-000000000003','controller':true,"
    "'blockOwnerDeletion':true}]},"
    "'spec':{'containerConcurrency':10,'protocolType':'h2c','reachability':'Reachable',"
    "'scaleTargetRef':{'apiVersion':'apps/v1','kind':'Deployment',"
    "'name':'hello-00001-deployment'}},"
    "'status':{'observedGeneration':2,'serviceName':'hello-00001',"
    "'metricsServiceName':'hello-00001-private','desiredScale':3,'actualScale':-1,"
    "'conditions':["
    "{'type':'Active','status':'True','lastTransitionTime':'2026-01-01T00:00:10Z'},"
    "{'type':'Ready','status':'True','lastTransitionTime':'2026-01-01T00:00:10Z'},"
    "{'type':'SKSReady','status':'True','lastTransitionTime':'2026-01-01T00:00:10Z'},"
    "{'type':'ScaleTargetInitialized','status':'True',"
    "'lastTransitionTime':'2026-01-01T00:00:10Z'}]}}";

static struct pod_autoscaler *decoded(struct arena *arena, const char *text)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct object *object = pod_autoscaler_decode(quoted_json(arena, text), &err);
	EXPECT_TEXT(error_text(&err), "");
	return (struct pod_autoscaler *)object;
}

TEST(pod_autoscaler, reads_every_field)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct pod_autoscaler *pa = decoded(arena, realistic);
	EXPECT_TEXT(pa->object.meta.name, "hello-00001");
	EXPECT_TEXT(pa->object.meta.ns, "default");
	EXPECT_INT(pa->object.meta.version, 123456);
	EXPECT_TEXT(pa->object.meta.owner.kind, "Revision");
	EXPECT_INT(pa->labels.count, 8);
	EXPECT_TEXT(meta_pair_get(&pa->labels, "serving.knative.dev/service"), "hello");
	EXPECT_INT(pa->annotations.count, 7);
	EXPECT_TEXT(meta_pair_get(&pa->annotations, "autoscaling.knative.dev/target"), "100");
	EXPECT(
	    !meta_pair_get(&pa->annotations, "kubectl.kubernetes.io/last-applied-configuration"));
	EXPECT_TEXT(pa->target_api_version, "apps/v1");
	EXPECT_TEXT(pa->target_kind, "Deployment");
	EXPECT_TEXT(pa->target_name, "hello-00001-deployment");
	EXPECT_TEXT(pa->reachability, "Reachable");
	EXPECT_TEXT(pa->protocol, "h2c");
	EXPECT_INT(pa->container_concurrency, 10);
	EXPECT_INT(pa->observed_generation, 2);
	EXPECT_INT(pa->conditions.count, 4);
	EXPECT_INT(conditions_status(&pa->conditions, CONDITION_INITIALIZED), CONDITION_TRUE);
	EXPECT_TEXT(pa->service_name, "hello-00001");
	EXPECT_TEXT(pa->metrics_service_name, "hello-00001-private");
	EXPECT(pa->has_status && pa->has_desired_scale && pa->has_actual_scale);
	EXPECT_INT(pa->desired_scale, 3);
	EXPECT_INT(pa->actual_scale, -1);
	EXPECT(pod_autoscaler_is_ours(pa));
	EXPECT(!pod_autoscaler_unreachable(pa));
	object_unref(&pa->object);
}

#define PA(spec, status)                                                                           \
	"{'metadata':{'name':'a'},'spec':{'scaleTargetRef':{'name':'d'}" spec "}" status "}"

TEST(pod_autoscaler, a_fresh_one_has_no_status)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct pod_autoscaler *pa = decoded(arena, PA("", ""));
	EXPECT_TEXT(pa->object.meta.ns, "");
	EXPECT_TEXT(pa->target_api_version, "");
	EXPECT_TEXT(pa->reachability, "");
	EXPECT_TEXT(pa->service_name, "");
	EXPECT_TEXT(pa->metrics_service_name, "");
	EXPECT_INT(pa->conditions.count, 0);
	EXPECT(!pa->has_status && !pa->has_desired_scale && !pa->has_actual_scale);
	EXPECT(!pod_autoscaler_is_ours(pa));
	object_unref(&pa->object);
}

TEST(pod_autoscaler, status_fields_of_a_wrong_type_are_unset)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const char *const statuses[] = {
	    "null",
	    "7",
	    ("{'observedGeneration':'2','serviceName':1,'metricsServiceName':null,"
	     "'desiredScale':'3','actualScale':1.5,'conditions':{}}"),
	    ("{'observedGeneration':null,'serviceName':'s','desiredScale':2147483648,"
	     "'actualScale':-2147483649,'conditions':['x']}"),
	    "{'metricsServiceName':'m','desiredScale':null,'actualScale':true}",
	};
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		const char *text = arena_printf(arena, PA("", ",'status':%s"), statuses[i]);
		struct pod_autoscaler *pa = decoded(arena, text);
		test_row("%s", statuses[i]);
		EXPECT_INT(pa->observed_generation, 0);
		EXPECT_INT(pa->conditions.count, 0);
		EXPECT(!pa->has_status && !pa->has_desired_scale && !pa->has_actual_scale);
		object_unref(&pa->object);
	}
}

TEST(pod_autoscaler, empty_service_names_are_a_status)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct pod_autoscaler *pa =
	    decoded(arena, PA("", ",'status':{'serviceName':'','metricsServiceName':'',"
				  "'desiredScale':2147483647,'actualScale':0}"));
	EXPECT(pa->has_status);
	EXPECT_INT(pa->desired_scale, INT32_MAX);
	EXPECT(pa->has_actual_scale);
	object_unref(&pa->object);
}

TEST(pod_autoscaler, class_and_reachability)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const struct {
		const char *class, *reachability;
		bool ours, unreachable;
	} rows[] = {
	    {"hpa.autoscaling.knative.dev", "Unreachable", true, true},
	    {"kpa.autoscaling.knative.dev", "Reachable", false, false},
	    {"hpa.autoscaling.knative.dev.", "", false, false},
	    {"", "unreachable", false, false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pod_autoscaler *pa = decoded(
		    arena,
		    arena_printf(arena,
				 "{'metadata':{'name':'a','annotations':"
				 "{'autoscaling.knative.dev/class':'%s'}},"
				 "'spec':{'scaleTargetRef':{'name':'d'},'reachability':'%s'}}",
				 rows[i].class, rows[i].reachability));
		test_row("%s, %s", rows[i].class, rows[i].reachability);
		EXPECT_INT(pod_autoscaler_is_ours(pa), rows[i].ours);
		EXPECT_INT(pod_autoscaler_unreachable(pa), rows[i].unreachable);
		object_unref(&pa->object);
	}
}

TEST(pod_autoscaler, refusals)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	static const struct {
		const char *text, *want;
	} rows[] = {
	    {"{}", "metadata.name"},
	    {"null", "metadata.name"},
	    {"{'metadata':{'name':''},'spec':{'scaleTargetRef':{'name':'d'}}}", "metadata.name"},
	    {"{'metadata':{'name':'a'}}",
	     "PodAutoscaler \"a\": spec.scaleTargetRef.name is missing"},
	    {"{'metadata':{'name':'a'},'spec':{'scaleTargetRef':{'name':''}}}",
	     "spec.scaleTargetRef.name is missing"},
	    {"{'metadata':{'name':'a'},'spec':{'scaleTargetRef':{'name':7}}}",
	     "spec.scaleTargetRef.name is missing"},
	    {"{'metadata':{'name':'a'},'spec':{'scaleTargetRef':'d'}}",
	     "spec.scaleTargetRef.name is missing"},
	    {"{'metadata':{'name':'a','labels':{'l':1}},"
	     "'spec':{'scaleTargetRef':{'name':'d'}}}",
	     "labels"},
	    {"{'metadata':{'name':'a','annotations':[]},"
	     "'spec':{'scaleTargetRef':{'name':'d'}}}",
	     "annotations"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(error_clear) struct error err = ERROR_INIT;
		test_row("%s", rows[i].text);
		EXPECT(!pod_autoscaler_decode(quoted_json(arena, rows[i].text), &err));
		EXPECT_INT(err.kind, ERROR_INVALID);
		EXPECT_CONTAINS(error_text(&err), rows[i].want);
	}
}

TEST(pod_autoscaler, size)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct pod_autoscaler *pa = decoded(arena, realistic);
	printf("    a PodAutoscaler takes %zu bytes (%zu of JSON)\n", object_bytes(&pa->object),
	       strlen(realistic));
	object_unref(&pa->object);
}

TEST_MAIN(TEST_OF(pod_autoscaler, reads_every_field),
	  TEST_OF(pod_autoscaler, a_fresh_one_has_no_status),
	  TEST_OF(pod_autoscaler, status_fields_of_a_wrong_type_are_unset),
	  TEST_OF(pod_autoscaler, empty_service_names_are_a_status),
	  TEST_OF(pod_autoscaler, class_and_reachability), TEST_OF(pod_autoscaler, refusals),
	  TEST_OF(pod_autoscaler, size))
