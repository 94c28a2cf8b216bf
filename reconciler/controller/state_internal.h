/*
 * What the files of state share: state.c (the document), state_key.c (one key), state_now.c (what
 * decide() says now), state_log.c (the lines), decided.c (what was decided last).
 */
#ifndef CONTROLLER_STATE_INTERNAL_H
#define CONTROLLER_STATE_INTERNAL_H

#include "reconciler/controller/internal.h"
#include "reconciler/controller/state.h"

#define DECIDED_MAX 1024
#define STATE_TEXT_MAX 300 /* bytes of a text of the cluster */

/* What the last pass over a key that did something came to. */
struct decided {
	TAILQ_ENTRY(decided) link;
	int64_t at_ms;     /* server time */
	int64_t looked_ms; /* the same of the last pass, which may have found nothing to do */
	int64_t took_ms;
	unsigned steps;
	unsigned done;                  /* steps that went through, a bit each */
	bool again;                     /* it failed: the key came back */
	enum step_kind failed;          /* STEP_DONE: none */
	enum error_kind kind;           /* of that failure */
	char *error, *reason, *message; /* cut; "" if there is none */
	char key[];
};

/* The keys that are still to be told, in the order of their lines. */
struct telling {
	struct strbuf keys; /* each with its NUL */
	size_t at;
	size_t told, more; /* more: beyond STATE_KEYS_MAX */
	struct timer timer;
};

struct state {
	int64_t started_ms; /* monotonic */
	struct table *decided;
	TAILQ_HEAD(decided_list, decided) oldest; /* by the last that did something */
	struct telling telling;
};

/* Everything there is to tell of a key. */
struct key_facts {
	const char *key;
	const struct pod_autoscaler *pa; /* NULL: none of ours */
	bool queued;                     /* queue is set */
	struct queue_key queue;
	const struct key_state *state; /* NULL: nothing is remembered */
	const struct decided *decided; /* NULL: nothing, or too long ago */
};

/* False: nobody has heard of that key. */
bool key_facts(const struct controller *controller, const char *key, struct key_facts *out);
/* Its member of "keys". */
struct json *key_facts_json(const struct controller *controller, const struct key_facts *facts,
			    struct arena *arena);
/* What decide() says of it now, as if we led, and the ScaledObject that should be. NULL: there is
 * no PodAutoscaler. */
struct json *key_now_json(struct controller *controller, const char *key, struct arena *arena);

/* Is it worked on, does it wait, did it fail, is something wrong with it? */
bool key_facts_matter(const struct key_facts *facts);

/* Server time as RFC 3339; 0 is left out. */
void set_time(struct arena *arena, struct json *object, const char *name, int64_t wall_ms);
/* A text of the cluster: cut at STATE_TEXT_MAX, and left out if there is none. */
size_t cut_length(const char *text); /* the same, on a character */
void set_cut(struct arena *arena, struct json *object, const char *name, const char *text);
const char *watch_name(enum reflector_state state);
const char *place_name(enum queue_place place);
struct json *step_names(unsigned steps, struct arena *arena);
/* An address without "user:password@" and without its query. */
const char *address_shown(struct arena *arena, const char *address);

void telling_release(struct controller *controller);

#endif
