/*
 * What clients read before they ask for anything: groups, resources, version, health, and as much
 * OpenAPI as kubectl needs to leave the validation of fields to the server. Made from the model's
 * kinds, so that a resource whose CRD is not installed is not told of.
 */
#include <stdlib.h>
#include <string.h>

#include "test/lib/model_internal.h"

#define KUBERNETES_VERSION "v1.36.3"

struct names {
	const char *id, *singular;
	const char *shorts, *categories; /* JSON lists */
};

#define VERBS "[\"create\",\"delete\",\"get\",\"list\",\"patch\",\"update\",\"watch\"]"
#define KNATIVE "[\"all\",\"knative\",\"serving\"]"

static const struct names names[] = {
    {"podautoscalers", "podautoscaler", "[\"kpa\",\"pa\"]",
     "[\"knative-internal\",\"autoscaling\"]"},
    {"serverlessservices", "serverlessservice", "[\"sks\"]",
     "[\"knative-internal\",\"networking\"]"},
    {"scaledobjects", "scaledobject", "[\"so\"]", NULL},
    {"horizontalpodautoscalers", "horizontalpodautoscaler", "[\"hpa\"]", "[\"all\"]"},
    {"deployments", "deployment", "[\"deploy\"]", "[\"all\"]"},
    {"revisions", "revision", "[\"rev\"]", KNATIVE},
    {"configurations", "configuration", "[\"config\",\"cfg\"]", KNATIVE},
    {"services.serving", "service", "[\"kservice\",\"ksvc\"]", KNATIVE},
    {"routes", "route", "[\"rt\"]", KNATIVE},
    {"configmaps", "configmap", "[\"cm\"]", NULL},
    {"events", "event", "[\"ev\"]", NULL},
    {"leases", "lease", NULL, NULL},
    {"namespaces", "namespace", "[\"ns\"]", NULL},
};

static const struct names *names_of(const struct kind *kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i].id, kind->id) == 0)
			return &names[i];
	fprintf(stderr, "discovery has no names for %s\n", kind->id);
	abort();
}

/* ---- /api and /apis ---- */

/* The first installed resource of its group: a group is told of once. */
static bool leads_group(const struct model *model, size_t index)
{
	const struct resource *resources = model->resources;
	for (size_t i = 0; i < index; i++)
		if (!resources[i].absent &&
		    strcmp(resources[i].kind.group, resources[index].kind.group) == 0)
			return false;
	return !resources[index].absent && resources[index].kind.group[0];
}

static void write_group(const struct kind *kind, bool alone, struct strbuf *out)
{
	CLEANUP(strbuf_release) struct strbuf version = STRBUF_INIT;
	strbuf_addf(&version, "{\"groupVersion\":\"%s/%s\",\"version\":\"%s\"}", kind->group,
		    kind->version, kind->version);
	strbuf_addf(out, "{%s\"name\":\"%s\",\"versions\":[%s],\"preferredVersion\":%s}",
		    alone ? "\"kind\":\"APIGroup\",\"apiVersion\":\"v1\"," : "", kind->group,
		    version.buf, version.buf);
}

static void write_groups(const struct model *model, struct strbuf *out)
{
	bool some = false;
	strbuf_addstr(out, "{\"kind\":\"APIGroupList\",\"apiVersion\":\"v1\",\"groups\":[");
	for (size_t i = 0; i < RESOURCE_COUNT; i++) {
		if (!leads_group(model, i))
			continue;
		strbuf_addstr(out, some ? "," : "");
		write_group(&model->resources[i].kind, false, out);
		some = true;
	}
	strbuf_addstr(out, "]}\n");
}

/* ---- resources of a group ---- */

static void write_resource(const struct kind *kind, struct strbuf *out)
{
	const struct names *known = names_of(kind);
	strbuf_addf(out,
		    "{\"name\":\"%s\",\"singularName\":\"%s\",\"namespaced\":%s,\"kind\":\"%s\","
		    "\"verbs\":" VERBS,
		    kind->plural, known->singular, kind->cluster ? "false" : "true", kind->name);
	if (known->shorts)
		strbuf_addf(out, ",\"shortNames\":%s", known->shorts);
	if (known->categories)
		strbuf_addf(out, ",\"categories\":%s", known->categories);
	strbuf_addch(out, '}');
	if (kind->has_status)
		strbuf_addf(out,
			    ",{\"name\":\"%s/status\",\"singularName\":\"\",\"namespaced\":%s,"
			    "\"kind\":\"%s\",\"verbs\":[\"get\",\"patch\",\"update\"]}",
			    kind->plural, kind->cluster ? "false" : "true", kind->name);
}

static bool in_group(const struct resource *resource, const char *group, const char *version)
{
	return !resource->absent && strcmp(resource->kind.group, group) == 0 &&
	       strcmp(resource->kind.version, version) == 0;
}

static bool write_resources(const struct model *model, const char *group, const char *version,
			    struct strbuf *out)
{
	bool some = false;
	for (size_t i = 0; i < RESOURCE_COUNT; i++) {
		const struct resource *resource = &model->resources[i];
		if (!in_group(resource, group, version))
			continue;
		if (!some)
			strbuf_addf(out,
				    "{\"kind\":\"APIResourceList\",%s\"groupVersion\":\"%s%s%s\","
				    "\"resources\":[",
				    group[0] ? "\"apiVersion\":\"v1\"," : "", group,
				    group[0] ? "/" : "", version);
		strbuf_addstr(out, some ? "," : "");
		write_resource(&resource->kind, out);
		some = true;
	}
	strbuf_addstr(out, some ? "]}\n" : "");
	return some;
}

static bool write_one_group(const struct model *model, const char *group, struct strbuf *out)
{
	for (size_t i = 0; i < RESOURCE_COUNT; i++) {
		if (strcmp(model->resources[i].kind.group, group) != 0 || !leads_group(model, i))
			continue;
		write_group(&model->resources[i].kind, true, out);
		strbuf_addch(out, '\n');
		return true;
	}
	return false;
}

/* ---- both at once, as newer clients ask ---- */

#define AGGREGATED "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

/* Compiled-in kinds leave group and version to the group that they stand in. */
static void write_kind(const struct kind *kind, struct strbuf *out)
{
	strbuf_addf(out, "\"responseKind\":{\"group\":\"%s\",\"version\":\"%s\",\"kind\":\"%s\"}",
		    kind->builtin ? "" : kind->group, kind->builtin ? "" : kind->version,
		    kind->name);
}

static void write_aggregated_resource(const struct kind *kind, struct strbuf *out)
{
	const struct names *known = names_of(kind);
	strbuf_addf(out, "{\"resource\":\"%s\",", kind->plural);
	write_kind(kind, out);
	strbuf_addf(out, ",\"scope\":\"%s\",\"singularResource\":\"%s\",\"verbs\":" VERBS,
		    kind->cluster ? "Cluster" : "Namespaced", known->singular);
	if (known->shorts)
		strbuf_addf(out, ",\"shortNames\":%s", known->shorts);
	if (known->categories)
		strbuf_addf(out, ",\"categories\":%s", known->categories);
	if (kind->has_status) {
		strbuf_addstr(out, ",\"subresources\":[{\"subresource\":\"status\",");
		write_kind(kind, out);
		strbuf_addstr(out, ",\"verbs\":[\"get\",\"patch\",\"update\"]}]");
	}
	strbuf_addch(out, '}');
}

static void write_aggregated_group(const struct model *model, const struct kind *of,
				   struct strbuf *out)
{
	bool some = false;
	strbuf_addstr(out, "{\"metadata\":{");
	if (of->group[0])
		strbuf_addf(out, "\"name\":\"%s\"", of->group);
	strbuf_addf(out, "},\"versions\":[{\"version\":\"%s\",\"resources\":[", of->version);
	for (size_t i = 0; i < RESOURCE_COUNT; i++) {
		if (!in_group(&model->resources[i], of->group, of->version))
			continue;
		strbuf_addstr(out, some ? "," : "");
		write_aggregated_resource(&model->resources[i].kind, out);
		some = true;
	}
	strbuf_addstr(out, "],\"freshness\":\"Current\"}]}");
}

/* Of /api (core) or /apis (all other groups); false if the old form is wanted. */
static bool answer_aggregated(const struct model *model, const char *path, const char *accept,
			      struct model_answer *answer)
{
	static const struct kind core = {.group = "", .version = "v1"};
	bool is_core = strcmp(path, "/api") == 0, some = false;
	if ((!is_core && strcmp(path, "/apis") != 0) || !accept ||
	    !strstr(accept, "g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"))
		return false;
	answer->type = AGGREGATED;
	strbuf_addstr(&answer->body, "{\"kind\":\"APIGroupDiscoveryList\",\"apiVersion\":"
				     "\"apidiscovery.k8s.io/v2\",\"metadata\":{},\"items\":[");
	if (is_core)
		write_aggregated_group(model, &core, &answer->body);
	for (size_t i = 0; !is_core && i < RESOURCE_COUNT; i++) {
		if (!leads_group(model, i))
			continue;
		strbuf_addstr(&answer->body, some ? "," : "");
		write_aggregated_group(model, &model->resources[i].kind, &answer->body);
		some = true;
	}
	strbuf_addstr(&answer->body, "]}\n");
	return true;
}

/* ---- OpenAPI ---- */

/* kubectl leaves unknown fields to the server when PATCH takes fieldValidation. */
static void write_operation(const struct kind *kind, struct strbuf *out)
{
	strbuf_addf(out,
		    "\"/%s%s%s/%s/%s%s/{name}\":{\"patch\":{\"parameters\":["
		    "{\"name\":\"dryRun\",\"in\":\"query\",\"schema\":{\"type\":\"string\"}},"
		    "{\"name\":\"fieldValidation\",\"in\":\"query\",\"schema\":{\"type\":"
		    "\"string\"}}],\"x-kubernetes-action\":\"patch\","
		    "\"x-kubernetes-group-version-kind\":{\"group\":\"%s\",\"kind\":\"%s\","
		    "\"version\":\"%s\"}}}",
		    kind->group[0] ? "apis" : "api", kind->group[0] ? "/" : "", kind->group,
		    kind->version, kind->cluster ? "" : "namespaces/{namespace}/", kind->plural,
		    kind->group, kind->name, kind->version);
}

static bool write_openapi(const struct model *model, const char *group, const char *version,
			  struct strbuf *out)
{
	bool some = false;
	strbuf_addstr(out, "{\"openapi\":\"3.0.0\",\"info\":{\"title\":\"Kubernetes\","
			   "\"version\":\"" KUBERNETES_VERSION "\"},\"paths\":{");
	for (size_t i = 0; i < RESOURCE_COUNT; i++) {
		if (!in_group(&model->resources[i], group, version))
			continue;
		strbuf_addstr(out, some ? "," : "");
		write_operation(&model->resources[i].kind, out);
		some = true;
	}
	strbuf_addstr(out, "},\"components\":{\"schemas\":{}}}\n");
	return some;
}

static void write_openapi_root(const struct model *model, struct strbuf *out)
{
	strbuf_addstr(out, "{\"paths\":{\"api/v1\":{\"serverRelativeURL\":\"/openapi/v3/api/v1\"}");
	for (size_t i = 0; i < RESOURCE_COUNT; i++) {
		const struct kind *kind = &model->resources[i].kind;
		if (leads_group(model, i))
			strbuf_addf(out,
				    ",\"apis/%s/%s\":{\"serverRelativeURL\":"
				    "\"/openapi/v3/apis/%s/%s\"}",
				    kind->group, kind->version, kind->group, kind->version);
	}
	strbuf_addstr(out, "}}\n");
}

/* Of the second version kubectl wants protobuf; an empty document is none of a byte, and kinds
 * that it does not describe are not checked by old clients. */
static void answer_openapi_v2(const struct model_request *request, struct model_answer *answer)
{
	answer->status = 200;
	if (request->accept && strstr(request->accept, "protobuf")) {
		answer->type = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
		return;
	}
	strbuf_addstr(&answer->body, "{\"swagger\":\"2.0\",\"info\":{\"title\":\"Kubernetes\","
				     "\"version\":\"" KUBERNETES_VERSION "\"},\"paths\":{},"
				     "\"definitions\":{}}\n");
}

/* ---- one request ---- */

static bool write_static(const char *path, struct model_answer *answer)
{
	static const struct {
		const char *path, *text;
		bool plain;
	} rows[] = {
	    {"/healthz", "ok", true},
	    {"/livez", "ok", true},
	    {"/readyz", "ok", true},
	    {"/version",
	     "{\"major\":\"1\",\"minor\":\"36\",\"gitVersion\":\"" KUBERNETES_VERSION
	     "\",\"gitCommit\":\"\",\"gitTreeState\":\"\",\"buildDate\":\"\",\"goVersion\":\"\","
	     "\"compiler\":\"\",\"platform\":\"linux/amd64\"}\n",
	     false},
	    {"/api",
	     "{\"kind\":\"APIVersions\",\"versions\":[\"v1\"],\"serverAddressByClientCIDRs\":[]}\n",
	     false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcmp(rows[i].path, path) != 0)
			continue;
		answer->plain = rows[i].plain;
		strbuf_addstr(&answer->body, rows[i].text);
		return true;
	}
	return false;
}

static bool write_document(const struct model *model, const char **segment, size_t count,
			   struct strbuf *out)
{
	if (count == 2 && strcmp(segment[0], "openapi") == 0 && strcmp(segment[1], "v3") == 0) {
		write_openapi_root(model, out);
		return true;
	}
	if (count > 2 && strcmp(segment[0], "openapi") == 0 && strcmp(segment[1], "v3") == 0) {
		if (count == 4 && strcmp(segment[2], "api") == 0)
			return write_openapi(model, "", segment[3], out);
		return count == 5 && write_openapi(model, segment[3], segment[4], out);
	}
	if (count == 2 && strcmp(segment[0], "api") == 0)
		return write_resources(model, "", segment[1], out);
	if (count == 0 || strcmp(segment[0], "apis") != 0)
		return false;
	if (count == 1)
		write_groups(model, out);
	return count == 1 || (count == 2 && write_one_group(model, segment[1], out)) ||
	       (count == 3 && write_resources(model, segment[1], segment[2], out));
}

bool discovery_handle(struct model *model, const struct model_request *request,
		      struct model_answer *answer)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *segment[8];
	if (strcmp(request->method, "GET") != 0)
		return false;
	const char *path = arena_strndup(arena, request->path, strcspn(request->path, "?"));
	answer->status = 200;
	if (strcmp(path, "/openapi/v2") == 0) {
		answer_openapi_v2(request, answer);
		return true;
	}
	size_t count = path_split(arena, path, segment, ARRAY_SIZE(segment));
	if (answer_aggregated(model, path, request->accept, answer) || write_static(path, answer) ||
	    write_document(model, segment, count, &answer->body))
		return true;
	strbuf_reset(&answer->body);
	return false;
}
