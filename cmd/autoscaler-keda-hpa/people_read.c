/*
 * Lists, page by page, all at the same time. A page is one bounded answer; a list that has become
 * too old between two pages (410) begins anew, three times at most. Nothing else is repeated: a
 * person is there to try again.
 */
#include <stdio.h>

#include "cmd/autoscaler-keda-hpa/people.h"

#define PAGE 250
#define PAGE_BYTES ((size_t)64 << 20)
#define BEGINNINGS 3
#define ROUND_MS 100

struct reading {
	struct people *people;
	struct people_list *list;
	struct arena *page; /* the answer at hand */
	char *token;        /* of the next page, in people's arena; NULL: the first */
	unsigned beginnings;
	bool over;
};

static void ask(struct reading *reading);

static void page_path(const struct reading *reading, struct strbuf *out)
{
	const struct people_list *list = reading->list;

	kube_resource_path(list->resource, list->ns, NULL, NULL, out);
	strbuf_addf(out, "?limit=%d", PAGE);
	if (list->field_selector) {
		strbuf_addstr(out, "&fieldSelector=");
		kube_escape(list->field_selector, out);
	}
	if (reading->token) {
		strbuf_addstr(out, "&continue=");
		kube_escape(reading->token, out);
	}
}

static void begin(struct reading *reading)
{
	struct people_list *list = reading->list;

	reading->beginnings++;
	reading->token = NULL;
	if (list->begin)
		list->begin(list->ctx);
	if (!list->take)
		list->items = json_array(reading->people->arena);
	ask(reading);
}

static void take_items(struct reading *reading, const struct json *page)
{
	struct people_list *list = reading->list;
	const struct json *items = json_get(page, "items");

	for (size_t i = 0; json_is(items, JSON_ARRAY) && i < json_count(items); i++) {
		const struct json *item = json_at(items, i);
		if (list->take)
			list->take(list->ctx, item);
		else
			json_append(reading->people->arena, list->items,
				    json_copy(reading->people->arena, item));
	}
}

static void take_page(struct reading *reading, const struct http_response *response)
{
	static const struct json_limits limits = {.max_bytes = PAGE_BYTES, .max_depth = 64};
	struct people_list *list = reading->list;
	struct json *page;
	const char *token;

	arena_reset(reading->page);
	if (!json_parse(response->body, response->length, &limits, reading->page, &page,
			&list->err)) {
		error_wrap(&list->err, "list of %s", list->resource->plural);
		reading->over = true;
		return;
	}
	take_items(reading, page);
	token = json_text_or(json_path(page, "metadata", "continue", NULL), "");
	reading->over = !token[0];
	if (reading->over)
		return;
	reading->token = arena_strdup(reading->people->arena, token);
	ask(reading);
}

static void page_done(void *ctx, const struct http_response *response, const struct error *err)
{
	struct reading *reading = ctx;
	struct error *out = &reading->list->err;

	if (response->date_ms)
		kube_client_saw_date(reading->people->client, response->date_ms);
	if (err->kind != ERROR_NONE)
		error_set(out, err->kind, "%s", error_text(err));
	else
		kube_error_from_response(response, out);
	if (out->kind == ERROR_NONE) {
		take_page(reading, response);
	} else if (out->kind == ERROR_GONE && reading->token && reading->beginnings < BEGINNINGS) {
		error_clear(out);
		begin(reading);
	} else {
		reading->over = true;
	}
}

static void ask(struct reading *reading)
{
	static const struct http_events events = {.done = page_done};
	CLEANUP(strbuf_release) struct strbuf path = STRBUF_INIT;

	page_path(reading, &path);
	transport_start(reading->people->transport,
			&(struct http_request){
			    .method = "GET",
			    .path = path.buf,
			    .timeout_ms = reading->people->options->timeout_ms,
			    .max_body = PAGE_BYTES,
			},
			&events, reading);
}

static bool all_over(const struct reading *readings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!readings[i].over)
			return false;
	return true;
}

void people_read(struct people *people, struct people_list *lists, size_t count)
{
	struct reading *readings = ARENA_ARRAY(people->arena, struct reading, count);

	for (size_t i = 0; i < count; i++) {
		readings[i] =
		    (struct reading){.people = people, .list = &lists[i], .page = arena_new()};
		begin(&readings[i]);
	}
	while (!all_over(readings, count))
		loop_step(people->loop, ROUND_MS);
	for (size_t i = 0; i < count; i++)
		arena_free(readings[i].page);
}

void people_lists_release(struct people_list *lists, size_t count)
{
	for (size_t i = 0; i < count; i++)
		error_clear(&lists[i].err);
}
