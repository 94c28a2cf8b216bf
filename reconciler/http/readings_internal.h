/*
 * What readings are made of, for readings.c, which takes pages, and readings_of.c, which tells what
 * follows. Invariants: the cell of revisions[i] in any activator is cells[i]; pages are numbered by
 * one counter for all activators, so that a cell's number tells whether what it was told belongs to
 * the page under way, and a revision's, which pages began before anybody watched it.
 */
#ifndef HTTP_READINGS_INTERNAL_H
#define HTTP_READINGS_INTERNAL_H

#include "pkg/base/table.h"
#include "reconciler/http/readings.h"
#include "reconciler/http/window.h"

struct revision {
	size_t place;
	uint64_t born;          /* the newest page when it came: only later ones count */
	int64_t first_ms;       /* the first page asked for since; -1: none has ended */
	int64_t since_ms;       /* ... and ended */
	int64_t first_count_ms; /* the first with counters asked for; -1: none has ended */
	int64_t rated_ms; /* the last that an activator counted for the second time or more; -1 */
	int64_t active_at_ms;               /* -1: never */
	struct window in_flight, completed; /* requests times ms, requests */
	const char *name;
	unsigned size; /* of this struct */
	bool risen;    /* to be told */
	char ns[];     /* with its NUL, then the name */
};

/* What an activator told of a revision. */
struct cell {
	bool read, counted;          /* in flight, completed are known */
	bool named;                  /* by the page below, as queued or active */
	unsigned char signs;         /* bit 0: in the last page, bit 1: in the one before */
	double in_flight, completed; /* of the last page */
	double rate;                 /* of completed, a ms, between the last two that counted */
	uint64_t page;               /* what follows is of the page of that number */
	double new_in_flight, new_completed;
};

struct activator {
	char *name;
	struct cell *cells; /* as many as there is room for revisions */
	/* Of the last whole page; -1: none yet. */
	int64_t taken_ms, read_ms;
	/* When the last with counters was asked for, and until when what it counted is taken to go
	 * on: as long again as it had been since the one before. */
	int64_t counted_ms, count_holds_ms;
	/* Of the page under way. */
	bool open;
	bool broke_off; /* the one before it did */
	enum readings_page kind;
	uint64_t page;
	int64_t asked_ms;
	double unnamed;
};

struct readings {
	struct table *by_key; /* "ns/name" -> struct revision */
	struct revision **revisions;
	size_t count, room;
	struct activator **activators;
	size_t activator_count;
	size_t last_asked; /* the activator that was named last: mostly the next, too */
	uint64_t pages;
	int64_t read_ms; /* the last page of all */
	void (*rise)(void *ctx, const char *ns, const char *revision);
	void *ctx;
};

/* NULL: nobody watches it. */
struct revision *readings_find(const struct readings *readings, const char *ns, const char *name);
/* Until when the last word of an activator that was read holds, seen from now; that about completed
 * requests. */
int64_t readings_word_ends(const struct activator *activator, int64_t now_ms);
int64_t readings_count_ends(const struct activator *activator, int64_t now_ms);
bool readings_is_active(const struct readings *readings, const struct revision *revision,
			int64_t now_ms);

#endif
