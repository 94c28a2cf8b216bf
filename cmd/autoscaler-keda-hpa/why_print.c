/* An explanation as a text for people, or as JSON. */
#include <string.h>

#include "cmd/autoscaler-keda-hpa/columns.h"
#include "cmd/autoscaler-keda-hpa/why.h"
#include "reconciler/explain/text.h"

static void add_title(const struct why_run *run, const struct findings *f, struct strbuf *out)
{
	strbuf_addf(out, "%s/%s", f->ns, f->revision);
	if (strcmp(f->ready, "True") == 0 && strcmp(f->reason, "RevisionNotReady") != 0)
		strbuf_addstr(out, " is ready");
	else if (strcmp(f->reason, "NoTraffic") == 0)
		strbuf_addstr(out, " is at zero");
	else
		strbuf_addstr(out, " is not ready");
	if (f->reason[0])
		strbuf_addf(out, ": %s", f->reason);
	if (f->since_ms)
		strbuf_addf(out, " (for %s)",
			    text_duration(f->arena, run->evidence.now_ms - f->since_ms));
	strbuf_addch(out, '\n');
	if (run->serving)
		strbuf_addf(
		    out, "It is the latest revision of Service %s; %s%s serves meanwhile.\n",
		    f->service, run->serving[0] ? "" : "no other ",
		    run->serving[0] ? text_visible(f->arena, run->serving, TEXT_WORD_MAX) : "one");
}

/* An object is named once. */
static void add_facts(const struct findings *f, struct strbuf *out)
{
	struct columns columns = {.count = 2};
	const char *before = "";

	strbuf_addstr(out, "\nWhat there is:\n");
	for (size_t i = 0; i < f->fact_count; i++)
		columns_fit(&columns, (const char *const[]){f->facts[i].object, f->facts[i].text});
	for (size_t i = 0; i < f->fact_count; i++) {
		const char *object = f->facts[i].object;
		bool same = strcmp(object, before) == 0;
		strbuf_addstr(out, "  ");
		columns_print(&columns,
			      (const char *const[]){same ? " " : object, f->facts[i].text}, out);
		before = object;
	}
}

static void add_steps(const struct findings *f, struct strbuf *out)
{
	strbuf_addstr(out, "\nNext:\n");
	for (size_t i = 0; i < f->step_count; i++) {
		strbuf_addf(out, "  %s\n", f->steps[i].text);
		if (f->steps[i].command)
			strbuf_addf(out, "    %s\n", f->steps[i].command);
	}
}

static void add_unread(const struct findings *f, struct strbuf *out)
{
	if (f->unread_count == 0)
		return;
	strbuf_addstr(out, "\nYou may not read these, so they were left out:\n");
	for (size_t i = 0; i < f->unread_count; i++)
		strbuf_addf(out, "  %s\n", f->unread[i]);
}

bool why_print(const struct why_run *run, const struct findings *f)
{
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;

	if (run->people.options->output == OUTPUT_JSON) {
		json_write_pretty(findings_json(f, run->people.arena), &out);
		strbuf_addch(&out, '\n');
		return command_print(&out);
	}
	add_title(run, f, &out);
	strbuf_addf(&out, "\n%s\n", f->summary);
	add_facts(f, &out);
	add_steps(f, &out);
	add_unread(f, &out);
	return command_print(&out);
}
