/* The API resources that the controller reads and writes (contract section 8 has their verbs). */
#ifndef CONTROLLER_RESOURCES_H
#define CONTROLLER_RESOURCES_H

#include "pkg/kube/resource.h"

extern const struct kube_resource resource_pod_autoscalers;
extern const struct kube_resource resource_serverless_services;
extern const struct kube_resource resource_scaled_objects;
extern const struct kube_resource resource_hpas;
extern const struct kube_resource resource_leases;
extern const struct kube_resource resource_config_maps;
extern const struct kube_resource resource_endpoint_slices;

#endif
