/* An array of at most ENDPOINT_PLACES_MAX is searched for what is there already, IPv4 first. */
#include "pkg/kube/endpoint_slice.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"

/* ---- one slice ---- */

static size_t at_most(size_t count, size_t max)
{
	return count < max ? count : max;
}

static void take_ports(struct endpoint_slice *slice, const struct json *ports)
{
	size_t count = at_most(json_count(ports), ENDPOINT_PORTS_MAX);

	slice->ports = ARENA_ARRAY(slice->object.arena, struct endpoint_port, count);
	for (size_t i = 0; i < count; i++) {
		const struct json *port = json_at(ports, i);
		int64_t number = json_int_or(json_get(port, "port"), 0);

		if (number <= 0 || number > UINT16_MAX)
			continue;
		slice->ports[slice->port_count++] = (struct endpoint_port){
		    .name =
			arena_strdup(slice->object.arena, json_text_or(json_get(port, "name"), "")),
		    .port = (uint16_t)number,
		};
	}
}

static bool serves(const struct json *conditions)
{
	const struct json *ready = json_get(conditions, "ready");
	const struct json *serving = json_get(conditions, "serving");

	if (!json_is(ready, JSON_BOOL) && !json_is(serving, JSON_BOOL))
		return true;
	return json_bool_or(ready, false) || json_bool_or(serving, false);
}

static bool is_address(bool ipv6, const char *text)
{
	struct in6_addr address;

	return text && inet_pton(ipv6 ? AF_INET6 : AF_INET, text, &address) == 1;
}

static void take_entries(struct endpoint_slice *slice, const struct json *endpoints)
{
	size_t count = at_most(json_count(endpoints), ENDPOINTS_MAX);
	struct arena *arena = slice->object.arena;

	slice->entries = ARENA_ARRAY(arena, struct endpoint_entry, count);
	for (size_t i = 0; i < count; i++) {
		const struct json *endpoint = json_at(endpoints, i);
		const struct json *conditions = json_get(endpoint, "conditions");
		const char *address = json_text(json_at(json_get(endpoint, "addresses"), 0));
		const char *pod = json_text_or(json_path(endpoint, "targetRef", "uid", NULL), "");

		if (!is_address(slice->ipv6, address))
			continue;
		slice->entries[slice->count++] = (struct endpoint_entry){
		    .address = arena_strdup(arena, address),
		    .pod = arena_strdup(arena, pod),
		    .serving = serves(conditions),
		    .terminating = json_bool_or(json_get(conditions, "terminating"), false),
		};
	}
}

struct object *endpoint_slice_decode(const struct json *json, struct error *err)
{
	struct endpoint_slice *slice = object_new(sizeof(*slice));
	const char *type = json_text_or(json_get(json, "addressType"), "");

	if (!meta_decode(json, slice->object.arena, &slice->object.meta, err)) {
		object_unref(&slice->object);
		return NULL;
	}
	slice->ipv6 = strcmp(type, "IPv6") == 0;
	take_ports(slice, json_get(json, "ports"));
	if (slice->ipv6 || strcmp(type, "IPv4") == 0)
		take_entries(slice, json_get(json, "endpoints"));
	return &slice->object;
}

/* ---- all slices of a Service ---- */

struct found {
	struct endpoint_place place;
	const char *pod; /* of the slice's */
};

struct gathering {
	const char *port_name;
	uint16_t fallback;
	bool ipv6; /* the slices of this round */
	size_t count;
	struct found found[ENDPOINT_PLACES_MAX];
};

static uint16_t port_of(const struct endpoint_slice *slice, const struct gathering *gathering)
{
	for (size_t i = 0; i < slice->port_count; i++) {
		if (strcmp(slice->ports[i].name, gathering->port_name) == 0)
			return slice->ports[i].port;
	}
	return gathering->fallback;
}

static struct found *known(struct gathering *gathering, const char *pod, const char *address)
{
	for (size_t i = 0; i < gathering->count; i++) {
		struct found *found = &gathering->found[i];

		if ((pod[0] && strcmp(found->pod, pod) == 0) ||
		    strcmp(found->place.address, address) == 0)
			return found;
	}
	return NULL;
}

static void gather_entry(struct gathering *gathering, const struct endpoint_entry *entry,
			 uint16_t port)
{
	CLEANUP(strbuf_release) struct strbuf address = STRBUF_INIT;
	struct found *found;

	strbuf_addf(&address, gathering->ipv6 ? "[%s]:%u" : "%s:%u", entry->address, port);
	found = known(gathering, entry->pod, address.buf);
	if (found) {
		/* On its way from one slice to another it may be in both, one of them older. */
		found->place.draining = found->place.draining && entry->terminating;
	} else if (gathering->count < ENDPOINT_PLACES_MAX) {
		gathering->found[gathering->count++] = (struct found){
		    .place = {strbuf_take(&address), entry->terminating},
		    .pod = entry->pod,
		};
	}
}

static bool gather_slice(void *ctx, struct object *object)
{
	struct gathering *gathering = ctx;
	const struct endpoint_slice *slice = (const struct endpoint_slice *)object;

	for (size_t i = 0; i < slice->count && slice->ipv6 == gathering->ipv6; i++) {
		if (slice->entries[i].serving || slice->entries[i].terminating)
			gather_entry(gathering, &slice->entries[i], port_of(slice, gathering));
	}
	return true;
}

static int by_address(const void *a, const void *b)
{
	return strcmp(((const struct endpoint_place *)a)->address,
		      ((const struct endpoint_place *)b)->address);
}

void endpoint_places_of(const struct store *slices, const char *port_name, uint16_t fallback,
			struct endpoint_places *out)
{
	struct gathering gathering = {.port_name = port_name, .fallback = fallback};

	store_each(slices, gather_slice, &gathering);
	gathering.ipv6 = true;
	store_each(slices, gather_slice, &gathering);
	out->count = gathering.count;
	out->items = xcalloc(gathering.count + 1, sizeof(*out->items));
	for (size_t i = 0; i < gathering.count; i++)
		out->items[i] = gathering.found[i].place;
	qsort(out->items, out->count, sizeof(*out->items), by_address);
}

void endpoint_places_release(struct endpoint_places *places)
{
	for (size_t i = 0; i < places->count; i++)
		free(places->items[i].address);
	free(places->items);
	*places = (struct endpoint_places){0};
}
