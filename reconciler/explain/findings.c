/* Collecting, and the JSON form. Absent members mean "unknown" or "none", never "". */
#include "reconciler/explain/findings.h"

#include <string.h>

#include "reconciler/explain/text.h"

void findings_fact(struct findings *f, const char *object, const char *format, ...)
{
	va_list args;

	if (f->fact_count == FACTS_MAX)
		return;
	va_start(args, format);
	f->facts[f->fact_count++] = (struct fact){
	    .object = text_visible(f->arena, object, TEXT_WORD_MAX),
	    .text = text_visible(f->arena, arena_vprintf(f->arena, format, args), TEXT_MESSAGE_MAX),
	};
	va_end(args);
}

void findings_step(struct findings *f, const char *text, const char *command, ...)
{
	va_list args;

	if (f->step_count == STEPS_MAX)
		return;
	va_start(args, command);
	f->steps[f->step_count++] = (struct next_step){
	    .text = text_visible(f->arena, text, TEXT_MESSAGE_MAX),
	    .command = command ? text_visible(f->arena, arena_vprintf(f->arena, command, args),
					      TEXT_MESSAGE_MAX)
			       : NULL,
	};
	va_end(args);
}

/* Texts of others often lack their full stop. */
static bool ends_sentence(const char *text)
{
	return strchr(".:!?", text[strlen(text) - 1]) != NULL;
}

void findings_say(struct findings *f, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	const char *sentence =
	    text_visible(f->arena, arena_vprintf(f->arena, format, args), TEXT_MESSAGE_MAX);
	va_end(args);
	f->summary = f->summary && f->summary[0]
			 ? arena_printf(f->arena, "%s%s %s", f->summary,
					ends_sentence(f->summary) ? "" : ".", sentence)
			 : sentence;
}

/* ---- JSON ---- */

static struct json *facts_json(const struct findings *f, struct arena *arena)
{
	struct json *list = json_array(arena);

	for (size_t i = 0; i < f->fact_count; i++) {
		struct json *fact = json_object(arena);
		json_set_text(arena, fact, "object", f->facts[i].object);
		json_set_text(arena, fact, "text", f->facts[i].text);
		json_append(arena, list, fact);
	}
	return list;
}

static struct json *steps_json(const struct findings *f, struct arena *arena)
{
	struct json *list = json_array(arena);

	for (size_t i = 0; i < f->step_count; i++) {
		struct json *step = json_object(arena);
		json_set_text(arena, step, "text", f->steps[i].text);
		if (f->steps[i].command)
			json_set_text(arena, step, "command", f->steps[i].command);
		json_append(arena, list, step);
	}
	return list;
}

struct json *findings_json(const struct findings *f, struct arena *arena)
{
	struct json *out = json_object(arena);
	struct json *unread = json_array(arena);

	json_set_text(arena, out, "apiVersion", FINDINGS_API_VERSION);
	json_set_text(arena, out, "kind", "RevisionExplanation");
	json_set_text(arena, out, "namespace", f->ns);
	json_set_text(arena, out, "revision", f->revision);
	json_set_text(arena, out, "service", f->service);
	json_set_text(arena, out, "ready", f->ready);
	json_set_text(arena, out, "reason", f->reason);
	text_set_time(arena, out, "since", f->since_ms);
	text_set_time(arena, out, "heldUntil", f->held_until_ms);
	json_set_text(arena, out, "summary", f->summary ? f->summary : "");
	json_set(arena, out, "facts", facts_json(f, arena));
	json_set(arena, out, "next", steps_json(f, arena));
	for (size_t i = 0; i < f->unread_count; i++)
		json_append(arena, unread, json_string(arena, f->unread[i]));
	if (f->unread_count > 0)
		json_set(arena, out, "unread", unread);
	return out;
}
