/*
 * EndpointSlice (discovery.k8s.io/v1): where the pods behind a Service are, and the places that all
 * slices of one Service name together. What is no IP address is left out: these texts go into URLs.
 */
#ifndef KUBE_ENDPOINT_SLICE_H
#define KUBE_ENDPOINT_SLICE_H

#include "pkg/kube/store.h"

#define ENDPOINT_SLICE_SERVICE_LABEL "kubernetes.io/service-name"
#define ENDPOINTS_MAX 1000      /* of one slice, the API's own bound; more are left out */
#define ENDPOINT_PORTS_MAX 100  /* likewise */
#define ENDPOINT_PLACES_MAX 256 /* of a Service; more are left out */

struct endpoint_port {
	const char *name; /* "" if it has none */
	uint16_t port;
};

struct endpoint_entry {
	const char *address; /* the first of addresses: the API makes no difference between them */
	const char *pod;     /* targetRef.uid; "" if unset */
	bool serving;        /* ready or serving; where neither is told: yes */
	bool terminating;
};

struct endpoint_slice {
	struct object object;
	bool ipv6;
	size_t port_count, count;
	struct endpoint_port *ports;
	struct endpoint_entry *entries;
};

/* An object_decode_fn. Lenient: a field of a wrong type counts as unset; of an addressType that is
 * neither IPv4 nor IPv6 it has no entries. */
struct object *endpoint_slice_decode(const struct json *json, struct error *err);

/* A pod of a Service. */
struct endpoint_place {
	char *address; /* "10.0.0.1:9090", "[fd00::1]:9090" */
	bool draining; /* terminating: it ends what it has begun and gets nothing new */
};

struct endpoint_places {
	size_t count;
	struct endpoint_place *items; /* by address */
};

/* The pods of all slices in that store that serve or are terminating, each once (a pod of two
 * address families by its IPv4 address), with the port of that name, or the fallback in a slice
 * that has none of that name. *out is overwritten. */
void endpoint_places_of(const struct store *slices, const char *port_name, uint16_t fallback,
			struct endpoint_places *out);
void endpoint_places_release(struct endpoint_places *places);

#endif
