/*
 * The API resources of the controller, as constants. Kinds are spelt as ownerReferences and
 * messages spell them.
 */
#include "reconciler/controller/resources.h"

const struct kube_resource resource_pod_autoscalers = {
    .group = "autoscaling.internal.knative.dev",
    .version = "v1alpha1",
    .plural = "podautoscalers",
    .kind = "PodAutoscaler",
};

const struct kube_resource resource_serverless_services = {
    .group = "networking.internal.knative.dev",
    .version = "v1alpha1",
    .plural = "serverlessservices",
    .kind = "ServerlessService",
};

const struct kube_resource resource_scaled_objects = {
    .group = "keda.sh",
    .version = "v1alpha1",
    .plural = "scaledobjects",
    .kind = "ScaledObject",
};

const struct kube_resource resource_hpas = {
    .group = "autoscaling",
    .version = "v2",
    .plural = "horizontalpodautoscalers",
    .kind = "HorizontalPodAutoscaler",
};

const struct kube_resource resource_leases = {
    .group = "coordination.k8s.io",
    .version = "v1",
    .plural = "leases",
    .kind = "Lease",
};

const struct kube_resource resource_config_maps = {
    .group = "",
    .version = "v1",
    .plural = "configmaps",
    .kind = "ConfigMap",
};

const struct kube_resource resource_endpoint_slices = {
    .group = "discovery.k8s.io",
    .version = "v1",
    .plural = "endpointslices",
    .kind = "EndpointSlice",
};
