/* What a new cluster holds: the namespaces and ConfigMaps of an installed Knative and KEDA. */
#include "test/cluster/devcluster.h"

static const char manifests[] =
    "apiVersion: v1\n"
    "kind: Namespace\n"
    "metadata: {name: default}\n"
    "---\n"
    "apiVersion: v1\n"
    "kind: Namespace\n"
    "metadata: {name: kube-system}\n"
    "---\n"
    "apiVersion: v1\n"
    "kind: Namespace\n"
    "metadata: {name: knative-serving}\n"
    "---\n"
    "apiVersion: v1\n"
    "kind: Namespace\n"
    "metadata: {name: keda}\n"
    "---\n"
    "apiVersion: v1\n"
    "kind: ConfigMap\n"
    "metadata: {name: config-autoscaler, namespace: knative-serving}\n"
    "---\n"
    "apiVersion: v1\n"
    "kind: ConfigMap\n"
    "metadata: {name: config-autoscaler-keda, namespace: knative-serving}\n"
    "data:\n"
    "  autoscaler.keda.prometheus-address: "
    "http://prometheus.monitoring.svc:9090\n";

void seeds_apply(struct model *model)
{
	model_apply(model, manifests);
}
