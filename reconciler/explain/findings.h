/*
 * struct findings: what explain() found out, as data: printers make text or JSON of it. All texts
 * are in one arena, fit for a terminal, and one line each.
 */
#ifndef EXPLAIN_FINDINGS_H
#define EXPLAIN_FINDINGS_H

#include "pkg/json/json.h"

#define FINDINGS_API_VERSION "autoscaler-keda-hpa/v1"
#define FACTS_MAX 40
#define STEPS_MAX 8
#define EVENTS_SHOWN 5

struct fact {
	const char *object; /* "ScaledObject/hello-00001" */
	const char *text;
};

/* What to do next, in words, and as a command that can be pasted. */
struct next_step {
	const char *text;
	const char *command; /* NULL: there is none */
};

struct findings {
	struct arena *arena;
	const char *ns, *revision, *service; /* service "": it has none */
	const char *ready;                   /* "True", "False", "Unknown": the PodAutoscaler's */
	const char *reason;                  /* "": ready, and there is nothing to say */
	int64_t since_ms;                    /* 0: unknown */
	int64_t held_until_ms;               /* 0: no warm hold */
	const char *summary;
	size_t fact_count, step_count, unread_count;
	struct fact facts[FACTS_MAX];
	struct next_step steps[STEPS_MAX];
	const char *unread[16];
};

/* Further ones than there is room for are dropped. */
void findings_fact(struct findings *f, const char *object, const char *format, ...)
    PRINTF_LIKE(3, 4);
void findings_step(struct findings *f, const char *text, const char *command, ...)
    PRINTF_LIKE(3, 4); /* command NULL: none */
/* Appends a sentence to the summary. */
void findings_say(struct findings *f, const char *format, ...) PRINTF_LIKE(2, 3);
/* The shape that docs/troubleshooting.md describes: kind RevisionExplanation. */
struct json *findings_json(const struct findings *f, struct arena *arena);

#endif
