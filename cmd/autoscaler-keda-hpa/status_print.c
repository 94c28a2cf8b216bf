/* Tables as kubectl's: what is not known is "<unknown>", what is not there "<none>". */
#include <string.h>

#include "cmd/autoscaler-keda-hpa/status.h"
#include "reconciler/explain/findings.h"
#include "reconciler/explain/text.h"

static const char *count_text(struct arena *arena, int32_t count)
{
	if (count == ROW_UNKNOWN)
		return "<unknown>";
	if (count == ROW_NO_LIMIT)
		return "<none>";
	return arena_printf(arena, "%d", (int)count);
}

static const char *age(struct arena *arena, int64_t now_ms, int64_t since_ms)
{
	return since_ms ? text_duration(arena, now_ms - since_ms) : "<unknown>";
}

/* How long it still lasts. */
static const char *held_text(const struct scaling_row *row, struct arena *arena, int64_t now_ms)
{
	if (!row->held)
		return NULL;
	return row->held_until_ms ? text_duration(arena, row->held_until_ms - now_ms) : "<unknown>";
}

static bool is(const char *text, const char *status)
{
	return strcmp(text, status) == 0;
}

/* "Ready,Active": the conditions that are True, and those whose being False says something. */
static const char *keda_text(const struct scaling_row *row, struct arena *arena)
{
	const char *ready = "";

	if (!row->has_scaled_object)
		return NULL;
	if (is(row->keda_ready, "True"))
		ready = "Ready";
	else
		ready = is(row->keda_ready, "False") ? "NotReady" : "Unknown";
	return arena_printf(arena, "%s%s%s%s%s", ready,
			    is(row->keda_active, "True") ? ",Active" : "",
			    is(row->keda_active, "False") ? ",Inactive" : "",
			    is(row->keda_fallback, "True") ? ",Fallback" : "",
			    is(row->keda_paused, "True") ? ",Paused" : "");
}

static const char *or_unknown(const char *text)
{
	return text[0] ? text : "<unknown>";
}

static const char *hpa_text(const struct scaling_row *row, struct arena *arena)
{
	if (!row->has_hpa)
		return NULL;
	return arena_printf(arena, "%s/%s/%s", or_unknown(row->scaling_active),
			    or_unknown(row->able_to_scale), or_unknown(row->scaling_limited));
}

static size_t add_cells(const char **to, const char *const *from, size_t count)
{
	memcpy(to, from, count * sizeof(*from));
	return count;
}

static size_t header(const struct status_run *run, const char *cells[STATUS_CELLS])
{
	static const char *const usual[] = {"REVISION", "READY",   "REASON", "MIN",      "MAX",
					    "CURRENT",  "DESIRED", "HELD",   "TRIGGERS", "AGE"};
	static const char *const wide[] = {"KEDA", "HPA", "SERVICE"};
	size_t count = 0;

	if (run->people.options->all_namespaces)
		cells[count++] = "NAMESPACE";
	count += add_cells(cells + count, usual, ARRAY_SIZE(usual));
	if (run->people.options->output == OUTPUT_WIDE)
		count += add_cells(cells + count, wide, ARRAY_SIZE(wide));
	return count;
}

size_t status_cells(const struct status_run *run, const struct scaling_row *row,
		    struct arena *arena, const char *cells[STATUS_CELLS])
{
	int64_t now_ms = people_now_ms(&run->people);
	size_t count = 0;

	if (!row)
		return header(run, cells);
	const char *const usual[] = {
	    row->revision,
	    row->ready,
	    row->reason,
	    count_text(arena, row->min),
	    count_text(arena, row->max),
	    count_text(arena, row->current),
	    count_text(arena, row->desired),
	    held_text(row, arena, now_ms),
	    row->triggers,
	    age(arena, now_ms, row->created_ms),
	};
	const char *const wide[] = {keda_text(row, arena), hpa_text(row, arena), row->service};
	if (run->people.options->all_namespaces)
		cells[count++] = row->ns;
	count += add_cells(cells + count, usual, ARRAY_SIZE(usual));
	if (run->people.options->output == OUTPUT_WIDE)
		count += add_cells(cells + count, wide, ARRAY_SIZE(wide));
	return count;
}

bool status_print_table(struct status_run *run, const struct scaling_row *rows, size_t count,
			struct arena *arena)
{
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	const char *cells[STATUS_CELLS];

	run->columns.count = status_cells(run, NULL, arena, cells);
	columns_fit(&run->columns, cells);
	for (size_t i = 0; i < count; i++) {
		status_cells(run, &rows[i], arena, cells);
		columns_fit(&run->columns, cells);
	}
	status_cells(run, NULL, arena, cells);
	columns_print(&run->columns, cells, &out);
	for (size_t i = 0; i < count; i++) {
		status_cells(run, &rows[i], arena, cells);
		columns_print(&run->columns, cells, &out);
	}
	return command_print(&out);
}

bool status_print_list(const struct scaling_row *rows, size_t count, struct arena *arena)
{
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	struct json *list = json_object(arena);
	struct json *items = json_array(arena);

	json_set_text(arena, list, "apiVersion", FINDINGS_API_VERSION);
	json_set_text(arena, list, "kind", "RevisionScalingList");
	for (size_t i = 0; i < count; i++)
		json_append(arena, items, row_json(&rows[i], arena));
	json_set(arena, list, "items", items);
	json_write_pretty(list, &out);
	strbuf_addch(&out, '\n');
	return command_print(&out);
}

static void add_document(const struct scaling_row *row, bool deleted, struct arena *arena,
			 struct strbuf *out)
{
	struct json *document = json_object(arena);
	const struct json *members = row_json(row, arena);

	json_set_text(arena, document, "apiVersion", FINDINGS_API_VERSION);
	json_set_text(arena, document, "kind", "RevisionScaling");
	for (size_t i = 0; i < json_count(members); i++)
		json_set(arena, document, members->members[i].key, members->members[i].value);
	if (deleted)
		json_set_bool(arena, document, "deleted", true);
	json_write_pretty(document, out);
	strbuf_addch(out, '\n');
}

bool status_print_row(struct status_run *run, const struct scaling_row *row, bool deleted,
		      struct arena *arena)
{
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	struct scaling_row shown = *row;
	const char *cells[STATUS_CELLS];

	if (run->people.options->output == OUTPUT_JSON) {
		add_document(row, deleted, arena, &out);
		return command_print(&out);
	}
	if (deleted)
		shown.reason = "Deleted";
	status_cells(run, &shown, arena, cells);
	columns_fit(&run->columns, cells);
	columns_print(&run->columns, cells, &out);
	return command_print(&out);
}
