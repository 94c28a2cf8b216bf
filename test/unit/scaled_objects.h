/* A ScaledObject as it should be, and the same as KEDA leaves it. */
#ifndef TEST_UNIT_SCALED_OBJECTS_H
#define TEST_UNIT_SCALED_OBJECTS_H

#include "test/unit/quoted_json.h"

#define OWNER                                                                                      \
	"{'apiVersion':'autoscaling.internal.knative.dev/v1alpha1','kind':'PodAutoscaler',"        \
	"'name':'r1','uid':'pa-uid','controller':true,'blockOwnerDeletion':true}"

/* What desired_build makes for an ordinary revision. */
static const char desired_text[] =
    "{'apiVersion':'keda.sh/v1alpha1','kind':'ScaledObject','metadata':{'name':'r1',"
    "'namespace':'ns','labels':{'app':'r1','scaledobject.keda.sh/name':'r1',"
    "'serving.knative.dev/configuration':'r','serving.knative.dev/configurationGeneration':'1',"
    "'serving.knative.dev/configurationUID':'0b6d2c1e-0000-4000-8000-000000000002',"
    "'serving.knative.dev/revision':'r1',"
    "'serving.knative.dev/revisionUID':'0b6d2c1e-0000-4000-8000-000000000003',"
    "'serving.knative.dev/service':'r',"
    "'serving.knative.dev/serviceUID':'0b6d2c1e-0000-4000-8000-000000000004'},"
    "'annotations':{'autoscaling.knative.dev/class':'hpa.autoscaling.knative.dev'},"
    "'ownerReferences':[" OWNER "]},"
    "'spec':{'scaleTargetRef':{'apiVersion':'apps/v1','kind':'Deployment',"
    "'name':'r1-deployment'},'minReplicaCount':2,'maxReplicaCount':10,'fallback':"
    "{'failureThreshold':3,'replicas':6},'advanced':{'horizontalPodAutoscalerConfig':"
    "{'name':'r1','behavior':{'scaleDown':{'stabilizationWindowSeconds':0}}}},"
    "'triggers':[{'type':'cpu','name':'default-trigger-cpu','metricType':'AverageValue',"
    "'metadata':{'value':'500m'}},{'type':'prometheus','metadata':{'query':'up',"
    "'threshold':'0.5'},'authenticationRef':{'name':'a'}}]}}";

static inline struct json *desired_json(struct arena *arena)
{
	return quoted_json(arena, desired_text);
}

static inline struct json *patched(struct arena *arena, const struct json *object,
				   const char *patch)
{
	return json_merge_apply(arena, object, quoted_json(arena, patch));
}

/* As KEDA leaves it: finalizer, HPA status, a Go round trip, the CRD's defaults. */
static inline struct json *live_json(struct arena *arena)
{
	return patched(
	    arena, desired_json(arena),
	    "{'metadata':{'uid':'8a7c0a3e-0000-4000-8000-000000000006','resourceVersion':'4711',"
	    "'generation':2,'creationTimestamp':'2026-01-01T00:00:00Z',"
	    "'finalizers':['finalizer.keda.sh']},'spec':{'minReplicaCount':2.0,"
	    "'fallback':{'behavior':'static'},'advanced':{'scalingModifiers':{},"
	    "'restoreToOriginalReplicaCount':false,'horizontalPodAutoscalerConfig':{'behavior':"
	    "{'scaleUp':{},'scaleDown':{'stabilizationWindowSeconds':0}}}},"
	    "'triggers':[{'type':'cpu','name':'default-trigger-cpu','metricType':'AverageValue',"
	    "'metadata':{'value':'0.5'},'useCachedMetrics':false},{'type':'prometheus',"
	    "'name':'','metadata':{'query':'up','threshold':'0.5'},"
	    "'authenticationRef':{'name':'a','kind':'TriggerAuthentication'}}]},"
	    "'status':{'hpaName':'r1','pausedReplicaCount':0,'conditions':["
	    "{'type':'Ready','status':'False','reason':'ScaledObjectCheckFailed',"
	    "'message':'no such thing'},{'type':'Active','status':'Unknown'},"
	    "{'type':'Fallback','status':'False'},{'type':'Paused','status':'True'}]}}");
}

#endif
